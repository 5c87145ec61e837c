# A server in a container: the one executable, made from this folder, and nothing else that is ours.
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npx -y deno@2.9.6 task compile

FROM debian:bookworm-slim
COPY --from=build /src/sealpost /usr/local/bin/sealpost
# A user of its own, and a folder that only it may read.
RUN useradd --system --uid 10001 --no-create-home sealpost && install -d -o sealpost -m 0700 /data
USER sealpost
VOLUME /data
EXPOSE 5000
# Ends in order on SIGTERM, which is what a container is stopped with.
ENTRYPOINT ["/usr/local/bin/sealpost", "server"]
CMD ["5000", "--data", "/data"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 \
  CMD ["/usr/local/bin/sealpost", "server", "health", "--json", "--data", "/data"]

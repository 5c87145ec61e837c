import assert from "node:assert/strict";
import { AppError } from "../../lib/base/errors.ts";
import { clientLimits } from "../../lib/base/limits.ts";
import { Requests, type RequestsOptions } from "../../lib/wire/client_requests.ts";
import { errorMessage, RefusedError } from "../../lib/wire/errors.ts";
import { connected, ManualClock, turns } from "./kit.ts";

async function session(options: Partial<RequestsOptions> = {}) {
  const { client, server } = await connected();
  const closed = Promise.withResolvers<AppError | undefined>();
  const requests = new Requests(client, {
    onEvent: () => {},
    onClosed: (reason) => closed.resolve(reason),
    ...options,
  });
  return { requests, server, closed: closed.promise };
}

const check = { type: "account.check", name: "bob" } as const;

/** The ids of the next frame's requests. */
async function ids(server: Awaited<ReturnType<typeof session>>["server"]): Promise<number[]> {
  const arrived = await server.receive() ?? [];
  return arrived.flatMap(({ message }) => "id" in message ? [message.id ?? -1] : []);
}

Deno.test("replies find their requests, whatever their order", async () => {
  const { requests, server } = await session();
  const both = Promise.all([requests.request(check), requests.request(check)]);
  const [first = 0, second = 0] = await ids(server);
  server.send({ type: "account.check.ok", id: second, exists: false });
  server.send({ type: "account.check.ok", id: first, exists: true });
  assert.deepEqual((await both).map(({ message }) => message.exists), [true, false]);
  await Promise.all([requests.close(), server.close()]);
});

Deno.test("a reply comes with its body", async () => {
  const { requests, server } = await session();
  const got = requests.request({ type: "vault.get" });
  const [id = 0] = await ids(server);
  server.send({ type: "vault.get.ok", id, body: 2 }, new Uint8Array([7, 8]));
  assert.deepEqual([...(await got).body], [7, 8]);
  await Promise.all([requests.close(), server.close()]);
});

Deno.test("a refusal rejects with its code, its text, its epoch and when to try again", async () => {
  const { requests, server } = await session();
  const refused = requests.request(check);
  const [id = 0] = await ids(server);
  const error = new AppError("epoch_conflict", { retryAfterMs: 1200.5 });
  server.send(errorMessage(error, { connection: server.id, id, epoch: 9 }));
  const thrown = await refused.then(() => undefined, (reason) => reason);
  assert.ok(thrown instanceof RefusedError);
  const { code, retry, retryAfterMs, epoch, connection } = thrown;
  assert.deepEqual({ code, retry, retryAfterMs, epoch, connection }, {
    code: "epoch_conflict",
    retry: "after_sync",
    retryAfterMs: 1201,
    epoch: 9,
    connection: server.id,
  });
  await Promise.all([requests.close(), server.close()]);
});

Deno.test("a code that this side does not know yet becomes internal, with its text", () => {
  const refused = new RefusedError({
    type: "error",
    code: "too_newfangled",
    message: "come back tomorrow",
    retry: "later",
    connection: "c",
  });
  assert.deepEqual([refused.code, refused.sentCode, refused.message], [
    "internal",
    "too_newfangled",
    "come back tomorrow",
  ]);
});

Deno.test("events reach their handler in order, before the replies behind them, one at a time", async () => {
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const { requests, server } = await session({
    async onEvent({ message }) {
      seen.push(`${message.type} begins`);
      await gate.promise;
      seen.push(`${message.type} ends`);
    },
  });
  const reply = requests.request(check).then(() => seen.push("reply"));
  const [id = 0] = await ids(server);
  server.send({ type: "presence", changes: [] });
  server.send({ type: "server.closing", retryAfterMs: 1 });
  server.send({ type: "account.check.ok", id, exists: true });
  await turns();
  assert.deepEqual(seen, ["presence begins"]);
  gate.resolve();
  await reply;
  assert.deepEqual(seen.slice(1), [
    "presence ends",
    "server.closing begins",
    "server.closing ends",
    "reply",
  ]);
  await Promise.all([requests.close(), server.close()]);
});

Deno.test("a reply that takes too long rejects, and is dropped when it comes after all", async () => {
  const clock = new ManualClock();
  const { requests, server } = await session({ clock });
  const late = requests.request(check);
  const [id = 0] = await ids(server);
  await Promise.all([
    assert.rejects(late, { code: "timeout" }),
    clock.advance(clientLimits.requestMs),
  ]);
  server.send({ type: "account.check.ok", id, exists: true });
  const next = requests.request(check);
  const [nextId = 0] = await ids(server);
  server.send({ type: "account.check.ok", id: nextId, exists: true });
  assert.equal((await next).message.exists, true);
  assert.equal(clock.pending, 0);
  await Promise.all([requests.close(), server.close()]);
});

Deno.test("an aborted request rejects with the reason", async () => {
  const { requests, server } = await session();
  const stop = new AbortController();
  const request = requests.request(check, undefined, { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(request, { message: "enough" });
  const aborted = requests.request(check, undefined, { signal: stop.signal });
  await assert.rejects(aborted, { message: "enough" });
  await Promise.all([requests.close(), server.close()]);
});

Deno.test("when the connection ends, requests under way and later ones reject", async () => {
  const { requests, server, closed } = await session();
  const waiting = assert.rejects(requests.request(check), { code: "timeout" });
  await ids(server);
  await server.close();
  await waiting;
  assert.equal(await closed, undefined);
  await assert.rejects(requests.request(check), { code: "timeout" });
  await requests.finished;
});

Deno.test("an error of the connection is the reason of its end", async () => {
  const { requests, server, closed } = await session();
  const waiting = assert.rejects(requests.request(check), { code: "server_closing" });
  await server.close(new AppError("server_closing", { retryAfterMs: 500 }));
  await waiting;
  const reason = await closed;
  assert.ok(reason instanceof RefusedError);
  assert.deepEqual([reason.code, reason.retryAfterMs], ["server_closing", 500]);
});

Deno.test("a reply of the wrong type, or to a request never made, ends the connection", async () => {
  for (const step of [0, 1]) {
    const { requests, server, closed } = await session();
    const waiting = assert.rejects(requests.request(check));
    const [id = 0] = await ids(server);
    if (step === 0) server.send({ type: "session.close.ok", id });
    else server.send({ type: "account.check.ok", id: id + 1, exists: true });
    await waiting;
    assert.equal((await closed)?.code, "malformed");
    await server.close();
  }
});

Deno.test("a handler that throws ends the connection instead of losing an event", async () => {
  const { server, closed } = await session({
    onEvent() {
      throw new AppError("quota_exceeded", { fault: "us" });
    },
  });
  server.send({ type: "presence", changes: [] });
  assert.equal((await closed)?.code, "quota_exceeded");
  while (await server.receive() !== undefined);
});

Deno.test("a request that fits no frame rejects, and the others live on", async () => {
  const { requests, server } = await session();
  const large = requests.request({ ...check, name: "x".repeat(70_000) });
  await assert.rejects(large, { code: "too_large" });
  const small = requests.request(check);
  const [id = 0] = await ids(server);
  server.send({ type: "account.check.ok", id, exists: true });
  await small;
  await Promise.all([requests.close(), server.close()]);
});

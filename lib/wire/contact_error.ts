/** Why no Sealpost server answered: one line for people that says what happened and what to do. */
import { AppError } from "../base/errors.ts";

/** What was found where a server was expected. */
export type ContactKind =
  | "unknown_host"
  | "refused"
  | "unreachable"
  | "silent"
  | "not_tls"
  | "not_sealpost"
  | "closed";

const texts: Record<ContactKind, (host: string, port: number) => string> = {
  unknown_host: (host) =>
    `there is no host called "${host}"; check the spelling, or use its IP address`,
  refused: (host, port) =>
    `${host} refuses connections on port ${port}; check the port, and that the server is running`,
  unreachable: (host, port) =>
    `${host} port ${port} cannot be reached; check the network, the address and firewalls`,
  silent: (host, port) =>
    `${host} port ${port} accepts connections but says nothing; check that it is a Sealpost server`,
  not_tls: (host, port) =>
    `${host} port ${port} does not speak TLS, so it is no Sealpost server; check the port`,
  not_sealpost: (host, port) =>
    `${host} port ${port} is some other service, not a Sealpost server; check the port`,
  closed: (host, port) =>
    `${host} port ${port} closed the connection before the greeting; try again, or check the port`,
};

/** No Sealpost server could be reached; `kind` says what is there instead. Its code is `timeout`: try again later. */
export class ContactError extends AppError {
  readonly kind: ContactKind;

  constructor(
    kind: ContactKind,
    where: { readonly host: string; readonly port: number; readonly cause?: unknown },
  ) {
    const text = texts[kind](where.host, where.port);
    super("timeout", { text, fault: "environment", cause: where.cause });
    this.kind = kind;
  }
}

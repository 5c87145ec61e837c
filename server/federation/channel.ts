/** A line to another server whose identity was proved, whoever dialled it. */
import { fromBase64url } from "../../lib/base/bytes.ts";
import { AppError, type ErrorCode, isErrorCode } from "../../lib/base/errors.ts";
import type { Connection } from "../../lib/wire/connection.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import type { Dialled } from "../domain/peers.ts";

/** A line. One call of `receive` at a time. */
export interface PeerChannel {
  /** For the log. */
  readonly id: string;
  readonly dialled: Dialled;
  /** The other server's identity key, 32 bytes: it signs all that comes from there. */
  readonly identity: Uint8Array;
  /** Where the other end is, as far as it is known; for the log and the operator. */
  readonly remote: string;
  /** Queues a message, given as JSON text. Does nothing after the end. */
  send(json: string, body?: Uint8Array): void;
  /** The messages of the next frame; undefined at the end. Throws `AppError`. */
  receive(): Promise<readonly Arrived[] | undefined>;
  /** Resolves when at most this many bytes wait to be written, or the line is over. */
  queuedAtMost(bytes: number): Promise<void>;
  /** Whether anything is heard within this time. */
  probe(ms: number): Promise<boolean>;
  /** Writes what is queued and closes. Never throws. */
  close(): Promise<void>;
}

/** The line over a connection that this server dialled. */
export function dialledChannel(connection: Connection, remote: string): PeerChannel {
  const { peer } = connection;
  if (peer.kind !== "server") throw new AppError("internal", { fault: "us" });
  return {
    id: connection.id,
    dialled: "by_us",
    identity: fromBase64url(peer.hello.identity),
    remote,
    send: (json, body) => connection.sendEncoded(json, body),
    receive: () => connection.receive(),
    queuedAtMost: (bytes) => connection.queuedAtMost(bytes),
    probe: (ms) => connection.probe(ms),
    close: () => connection.close(),
  };
}

/** Why a line ends, as the other side says it. */
export class PeerClosed extends AppError {
  constructor(said: { readonly code: string; readonly message: string }) {
    const code: ErrorCode = isErrorCode(said.code) ? said.code : "timeout";
    super(code, { text: said.message, fault: "peer" });
  }
}

/** Tells the other side why and closes. */
export async function closeChannel(channel: PeerChannel, why: AppError): Promise<void> {
  const { code, message } = why;
  channel.send(JSON.stringify({ type: "peer.close", code, message }));
  await channel.close();
}

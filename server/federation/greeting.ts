/** The beginning of a link: both sides tell who they are, what they can and how far they have got. */
import { type Clock, pause } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import { peerVersion } from "../../lib/wire/catalogue/peer.ts";
import type { Arrived, Message } from "../../lib/wire/messages.ts";
import type { PeerPosition } from "../operations/contract.ts";
import { type PeerChannel, PeerClosed } from "./channel.ts";

/** What this server says of itself to peers. */
export interface PeerFacts {
  readonly name: string;
  readonly capabilities: readonly string[];
}

/** What a peer has told, and what came in the same frame behind it. */
export interface Greeted {
  readonly hello: Message<"peer.link">;
  readonly rest: readonly Arrived[];
}

/** Sends one's own part. */
export function sendGreeting(channel: PeerChannel, facts: PeerFacts, position: PeerPosition): void {
  const { stream, first, received } = position;
  const greeting: Message<"peer.link"> = {
    type: "peer.link",
    versions: [peerVersion],
    name: facts.name,
    capabilities: [...facts.capabilities],
    limits: { windowItems: peerLimits.windowItems, itemBytes: peerLimits.itemBytes },
    stream,
    first,
    received,
  };
  channel.send(JSON.stringify(greeting));
}

/**
 * Waits for the peer's part. Throws `AppError`: `timeout`, `unsupported_version`, `not_permitted_now`, or what the peer
 * says instead.
 */
export async function readGreeting(channel: PeerChannel, clock: Clock): Promise<Greeted> {
  const answered = new AbortController();
  const late = new AppError("timeout", { text: "the other server does not answer" });
  const deadline = pause(clock, peerLimits.linkMs, answered.signal).then(
    () => Promise.reject(late),
    () => undefined,
  );
  try {
    const arrived = await Promise.race([channel.receive(), deadline]);
    return readFirst(arrived ?? []);
  } finally {
    answered.abort();
  }
}

function readFirst([first, ...rest]: readonly Arrived[]): Greeted {
  if (first === undefined) {
    throw new AppError("timeout", { text: "the other server closed the connection" });
  }
  const { message } = first;
  if (message.type === "peer.close" || message.type === "error") throw new PeerClosed(message);
  if (message.type !== "peer.link") throw new AppError("not_permitted_now");
  if (!message.versions.includes(peerVersion)) throw new AppError("unsupported_version");
  return { hello: message, rest };
}

/** How far an own message is on its way to the servers of those whom it is for. */
import type { StoredMessage } from "../store/messages.ts";
import type { Thread } from "../store/threads.ts";
import { splitAddress } from "./address.ts";
import type { Relay } from "./api_messages.ts";
import type { Core } from "./core.ts";

type Looking = Pick<Core, "threads" | "links" | "own">;

/**
 * Where a message stands that the conversation's server has and nobody else yet; undefined when that is not known, or when
 * it is for nobody of another server.
 */
export function relayOf(
  core: Looking,
  { own, state, seq, content }: StoredMessage,
  thread: Thread | undefined,
): Relay | undefined {
  const { conversation = "", kind } = thread ?? {};
  if (!own || state !== "sent" || seq === undefined || content.notice !== undefined) {
    return undefined;
  }
  const hub = core.links.hubOf(conversation);
  if (thread === undefined || kind === "lobby" || hub === undefined) return undefined;
  const at = hub.server;
  const strangers = elsewhere(core, thread);
  if (strangers.length === 0) return undefined;
  // What the conversation's own server has taken its people's server has.
  const others = strangers.filter(({ server }) => server !== at);
  const progress = core.threads.progress.of(thread.thread, others.map(({ account }) => account));
  const late = others.filter((_, index) => (progress[index]?.reached ?? 0) < seq);
  const servers = [...new Set(late.map(({ server }) => server))].sort();
  if (servers.length === 0) return { kind: "reached" };
  return { kind: "waiting", servers, ...(at === undefined ? {} : { at }) };
}

/** Whether it is on the disks of all servers of those whom it is for. */
export function hasReached(
  core: Looking,
  message: StoredMessage,
  thread: Thread | undefined,
): boolean {
  if (message.state !== "sent") return true;
  if (thread === undefined || elsewhere(core, thread).length === 0) return true;
  return relayOf(core, message, thread)?.kind === "reached";
}

/** The other accounts that are of linked servers. */
function elsewhere({ threads }: Looking, { thread, kind, partner }: Thread) {
  const accounts = kind === "group"
    ? threads.groups.get(thread).members
    : [{ account: partner?.account ?? "", name: partner?.name ?? "" }];
  return accounts.flatMap(({ account, name }) => {
    const server = splitAddress(name)?.server;
    return server === undefined ? [] : [{ account, server }];
  });
}

/** Where each event of the server goes. */
import type { ArrivedEvent } from "../../lib/wire/client_requests.ts";
import type { SelfInfo } from "./api.ts";
import type { Archive } from "./archive/archive.ts";
import type { Core } from "./core.ts";
import { liveEvent } from "./events.ts";
import type { Feed } from "./feed.ts";
import type { GroupWatch } from "./group_watch.ts";
import type { Inbox } from "./inbox.ts";
import type { Lobby } from "./lobby.ts";
import type { Marks } from "./marks.ts";
import type { Sending } from "./outbox.ts";
import type { Sync } from "./sync.ts";

/** Whom events are for. */
export interface Receivers {
  readonly self: Pick<SelfInfo, "account">;
  readonly inbox: Pick<Inbox, "take">;
  readonly marks: Pick<Marks, "receipt">;
  readonly watch: Pick<GroupWatch, "removals" | "state">;
  readonly lobby: Pick<Lobby, "take">;
  readonly archive: Pick<Archive, "moved">;
  readonly feed: Pick<Feed, "emit">;
  readonly sending: Pick<Sending, "kickAll">;
  readonly sync: Pick<Sync, "inBackground" | "linked">;
}

/** What is told of links. */
export type LinkParts = Pick<Core, "links" | "returns" | "checkpoints">;

/** Hands each event to whom it is for; nothing more is read until what it returns settles. */
export function routing(
  core: LinkParts,
  to: Receivers,
): (event: ArrivedEvent) => void | Promise<void> {
  return ({ message, body }) => {
    switch (message.type) {
      case "message":
      case "commit":
      case "welcome":
      case "rollback":
      case "recreated":
        return to.inbox.take({ message, body });
      case "receipt":
        return to.marks.receipt(message);
      case "conversation.removals":
        return to.watch.removals(message);
      case "conversation.state":
        return to.watch.state(message);
      case "lobby":
        return to.lobby.take(message);
      case "archive":
        return to.archive.moved(message);
      case "server.link":
        return linkChanged(core, to, message);
      default: {
        const told = liveEvent(message, to.self);
        if (told !== undefined) to.feed.emit(told);
      }
    }
  };
}

/** What waits for a server goes out when its link is there, without waiting for the next try. */
function linkChanged(
  core: LinkParts,
  { feed, sending, sync }: Pick<Receivers, "feed" | "sending" | "sync">,
  { server, linked }: { readonly server: string; readonly linked: boolean },
): void {
  core.links.link({ server, linked });
  feed.emit({ kind: "link", server, linked });
  if (!linked) return;
  sending.kickAll();
  core.returns.linked();
  sync.inBackground(() => sync.linked(server));
  core.checkpoints.compareSoon();
}

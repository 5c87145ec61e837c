/** Messages as whoever uses an engine sees them. */

import type { Target } from "./api_target.ts";

/** How far an own message has got; `received` is what others wrote. */
export type MessageState = "queued" | "sent" | "delivered" | "read" | "failed" | "received";

/** What can be waited for; `reached`: the servers of all whom it is for have it. */
export type WaitedState = "sent" | "reached" | "delivered" | "read";

/** Where an own message is that nobody has yet, and that is for people of other servers. */
export type Relay =
  /** It waits for `servers` at the server `at`; at one's own where that is absent. Names as they are here. */
  | { readonly kind: "waiting"; readonly servers: readonly string[]; readonly at?: string }
  /** Every server that it is for has it. */
  | { readonly kind: "reached" };

/** One line of a conversation, as it is kept in the profile. */
export interface ChatMessage {
  /**
   * Ascending within the profile, in the order in which messages became known here. Below 0: it has come from the archive,
   * and no event tells of it.
   */
  readonly local: number;
  /** The message's own id (UUID). */
  readonly id: string;
  readonly target: Target;
  /** `#lobby`, the other account's name, or `#` and the group's name. */
  readonly conversation: string;
  readonly from: string;
  readonly own: boolean;
  /** The text, not yet sanitised for a terminal; for an unreadable message what happened and what happens next. */
  readonly text: string;
  /** `notice`: a line of the conversation itself, such as who joined it. */
  readonly kind: "text" | "unreadable" | "notice";
  /** When the server took it (ms since 1970); the sender's time while it is queued. */
  readonly ts: number;
  readonly sentAt: number;
  readonly state: MessageState;
  /** Of a queued one: the server that it has to get to first and that cannot be reached just now, by its name here. */
  readonly away?: string;
  /** Of one that is `sent` and for people of other servers. */
  readonly relay?: Relay;
  /** Why it failed, for people. */
  readonly problem?: string;
  /** The error code of that failure, for programs. */
  readonly problemCode?: string;
  readonly deliveredAt?: number;
  readonly readAt?: number;
  /** Whether this account has read it. Own messages are. */
  readonly read: boolean;
  /** Own messages in groups: how many of the others have read it. */
  readonly readBy?: { readonly count: number; readonly of: number };
  /** Of a stranger whose request was not answered yet. */
  readonly request?: boolean;
  /** Whether its author has given it another text since. */
  readonly edited?: boolean;
  /** Its author has taken it back: `text` is empty. */
  readonly deleted?: boolean;
  /** The message that it answers. */
  readonly replyTo?: QuotedMessage;
  /** When it goes by itself (ms since 1970). */
  readonly expiresAt?: number;
  /** Who reacted with what, in the order in which it became known. */
  readonly reactions?: readonly { readonly from: string; readonly emoji: string }[];
  /** The file that it announces: its name as the sender calls it (not sanitised), bytes, extension. */
  readonly file?: { readonly name: string; readonly size: number; readonly type: string };
}

/** A message that another one answers. */
export interface QuotedMessage {
  readonly id: string;
  /** Who wrote it; absent when that is not known any more. */
  readonly from?: string;
  /** The beginning of its text, not yet sanitised; absent when it is deleted. */
  readonly quote?: string;
  /** That message is not here: name and text are what the sender of the answer says. */
  readonly claimed?: boolean;
}

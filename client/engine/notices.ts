/** Lines that a conversation shows of itself: who was added, who left, what it is called. */
import type { Role } from "../../lib/base/membership.ts";
import { randomId } from "../../lib/base/ids.ts";
import { lifetimeText } from "./content/expiry.ts";
import type { NewMessage } from "../store/messages.ts";

/** Something that a commit had done to a group and that is undone. Roles are those that count again. */
export type UndoneChange =
  | { readonly kind: "added" | "removed"; readonly name: string }
  | { readonly kind: "role"; readonly name: string; readonly role: Role };

/** What happened. Names are as their owners spell them. */
export type Notice =
  | { readonly kind: "created"; readonly by: string }
  | { readonly kind: "added"; readonly by: string; readonly who: readonly string[] }
  | { readonly kind: "removed"; readonly by: string; readonly who: readonly string[] }
  /** `said`: within the group, and not only by the server. */
  | { readonly kind: "left"; readonly who: string; readonly said: boolean }
  | { readonly kind: "role"; readonly by: string; readonly who: string; readonly role: Role }
  | { readonly kind: "renamed"; readonly by: string; readonly name: string }
  | { readonly kind: "dissolved"; readonly by: string }
  /** `after`: milliseconds that messages stay from now on; 0: for ever. */
  | { readonly kind: "timer"; readonly by: string; readonly after: number }
  /** The server knows the group no more, or the account in it. */
  | { readonly kind: "gone" }
  | { readonly kind: "device_added"; readonly who: string }
  | { readonly kind: "device_removed"; readonly who: string }
  /** A change was taken back. `group`: what the group is called, when it is for this account to do it again. */
  | {
    readonly kind: "undone";
    readonly changes: readonly UndoneChange[];
    readonly group?: string;
  }
  /** Changes that this device has not seen one by one. */
  | {
    readonly kind: "missed";
    readonly joined: readonly string[];
    readonly gone: readonly string[];
  };

/** Names beyond this many are counted. */
const mostNames = 8;

/** The sentence of a notice as `self` reads it. Not sanitised. */
export function noticeText(notice: Notice, self: string): string {
  const who = (name: string) => name === self ? "you" : name;
  switch (notice.kind) {
    case "created":
      return `${who(notice.by)} created the group`;
    case "added":
      return `${who(notice.by)} added ${list(notice.who.map(who))}`;
    case "removed":
      return notice.who.includes(self)
        ? `you were removed by ${notice.by}`
        : `${who(notice.by)} removed ${list(notice.who)}`;
    case "left":
      return `${who(notice.who)} left${notice.said ? "" : " (so the server says)"}`;
    case "role":
      return `${who(notice.by)} made ${who(notice.who)} ${article[notice.role]}`;
    case "renamed":
      return `${who(notice.by)} named the group #${notice.name}`;
    case "gone":
      return "the server says that you are not in this group any more, or that it does not exist";
    case "dissolved":
      return `${who(notice.by)} dissolved the group`;
    case "timer":
      return notice.after === 0
        ? `${who(notice.by)} turned off disappearing messages`
        : `${who(notice.by)} made messages disappear ${
          lifetimeText(notice.after)
        } after they are read`;
    case "device_added":
      return `${who(notice.who)} came with a new device`;
    case "device_removed":
      return `a device of ${who(notice.who)} was removed`;
    case "missed":
      return missed(notice);
    case "undone":
      return undone(notice, who);
  }
}

function undone(
  { changes, group }: Extract<Notice, { kind: "undone" }>,
  who: (name: string) => string,
): string {
  const parts = changes.map((change) => {
    const again = group === undefined ? "" : againText(change, group);
    const name = who(change.name);
    const be = name === "you" ? "are" : "is";
    switch (change.kind) {
      case "added":
        return `${name} ${be} not in the group after all${again}`;
      case "removed":
        return `${name} ${be} in the group again${again}`;
      case "role":
        return `${name} ${be} ${article[change.role]} again${again}`;
    }
  });
  return `a change was taken back: ${parts.join("; ")}`;
}

/** How the one who did it does it again. */
function againText(change: UndoneChange, group: string): string {
  switch (change.kind) {
    case "added":
      return ` (again: /group add ${group} ${change.name})`;
    case "removed":
      return ", and is removed once more by itself";
    case "role": {
      const word = change.role === "member" ? "promote" : "promote or /group demote";
      return ` (again: /group ${word} ${group} ${change.name})`;
    }
  }
}

const article: { readonly [role in Role]: string } = {
  owner: "an owner",
  admin: "an admin",
  member: "an ordinary member",
};

function missed({ joined, gone }: Extract<Notice, { kind: "missed" }>): string {
  const parts = [
    ...(joined.length === 0 ? [] : [`${list(joined)} joined`]),
    ...(gone.length === 0
      ? []
      : [`${list(gone)} left or ${gone.length === 1 ? "was" : "were"} removed`]),
  ];
  return `while this device was not in the group: ${parts.join("; ")}`;
}

function list(names: readonly string[]): string {
  if (names.length > mostNames) {
    return `${names.slice(0, mostNames).join(", ")} and ${names.length - mostNames} others`;
  }
  const last = names.at(-1) ?? "nobody";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}

/** Who did it, for the line's beginning. */
function actor(notice: Notice): string {
  if ("by" in notice) return notice.by;
  return "who" in notice ? notice.who : "";
}

/** The notice as a line of the thread: never unread, never sent. */
export function noticeLine(
  notice: Notice,
  at: {
    readonly thread: number;
    readonly ts: number;
    readonly self: string;
    readonly seq?: number;
  },
): NewMessage {
  const { thread, ts, self, seq } = at;
  return {
    thread,
    id: randomId(),
    ...(seq === undefined ? {} : { seq }),
    own: false,
    unread: false,
    state: "received",
    ts,
    sentAt: ts,
    content: { from: actor(notice), text: noticeText(notice, self), notice: notice.kind },
  };
}

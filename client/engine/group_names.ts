/** What groups may be called, and which one a name means. */
import { AppError } from "../../lib/base/errors.ts";
import { textLimits } from "../../lib/base/limits.ts";
import type { GroupFacts } from "../store/group_facts.ts";
import type { Thread } from "../store/threads.ts";
import type { Target } from "./api.ts";

/** Where groups are looked for. */
export interface Findable {
  all(): readonly Thread[];
  readonly groups: { get(thread: number): Pick<GroupFacts, "standing"> };
}

type GroupTarget = Extract<Target, { kind: "group" }>;

/** Whether the account takes part in the group, or is asked to. */
export function isIn({ standing }: Pick<GroupFacts, "standing">): boolean {
  return standing.kind === "active" || standing.kind === "request";
}

/** Whether a group may be called so: no spaces, nothing invisible, and no sign that addresses begin with or need. */
export function isGroupName(name: string): boolean {
  const length = [...name].length;
  if (length < 1 || length > textLimits.groupNameChars || name.toLowerCase() === "lobby") {
    return false;
  }
  return /^[^\s#@~/\p{C}\p{Z}][^\s#~\p{C}\p{Z}]*$/u.test(name.replaceAll("\u200d", ""));
}

/**
 * The group that `target` means: by its id; else by its name, in any spelling of its letters. Of several that bear the
 * name one may be picked by `~` and the beginning of its id; without that, a group that this account is in goes before
 * those that it has left, and the newest before older ones. Throws `AppError("not_found")` when there is none, and when
 * it is in several: what is said in one of them is not for the others.
 */
export function findGroup(threads: Findable, target: GroupTarget): Thread {
  const groups = threads.all().filter(({ kind }) => kind === "group");
  if (target.id !== undefined) {
    const found = groups.find(({ conversation }) => conversation === target.id);
    if (found !== undefined) return found;
    throw new AppError("not_found", { text: "no such group" });
  }
  const [name = "", id = ""] = target.name.split("~");
  const named = groups.filter(({ title, conversation }) =>
    title.toLowerCase() === `#${name.toLowerCase()}` && conversation?.startsWith(id.toLowerCase())
  );
  const present = named.filter(({ thread }) => isIn(threads.groups.get(thread)));
  if (present.length > 1) throw ambiguous(name, present);
  const found = present[0] ?? named.at(-1);
  if (found === undefined) {
    throw new AppError("not_found", { text: `there is no group #${target.name} here` });
  }
  return found;
}

function ambiguous(name: string, groups: readonly Thread[]): AppError {
  const ways = groups.map(({ conversation }) => `#${name}~${conversation?.slice(0, 4)}`).join(", ");
  return new AppError("not_found", {
    text: `there are ${groups.length} groups of that name; say which one: ${ways}`,
  });
}

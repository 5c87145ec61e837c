/** What a commit that was taken back had done to the members of a group: told by name, and by whom it can be done again. */
import type { GroupMember } from "../../store/group_facts.ts";
import { noticeLine, type UndoneChange } from "../notices.ts";
import type { Core } from "../core.ts";
import type { Draft } from "../draft.ts";

/** The changes that are undone by going from `now` back to `then`. */
export function undoneBy(
  now: readonly GroupMember[],
  then: readonly GroupMember[],
): readonly UndoneChange[] {
  const before = new Map(then.map((member) => [member.account, member]));
  const left = new Set(now.map(({ account }) => account));
  const out = now.filter(({ account }) => !before.has(account));
  const back = then.filter(({ account }) => !left.has(account));
  const roles = now.flatMap(({ account, name, role }) => {
    const was = before.get(account)?.role;
    return was === undefined || was === role ? [] : [{ kind: "role", name, role: was } as const];
  });
  return [
    ...out.map(({ name }) => ({ kind: "added", name } as const)),
    ...back.map(({ name }) => ({ kind: "removed", name } as const)),
    ...roles,
  ];
}

/**
 * Puts a line into the group that says what is undone. The committer's device does removals again by itself: whom it shall
 * remove is noted in the draft.
 */
export function noteUndone(
  core: Core,
  draft: Draft,
  undone: {
    readonly now: readonly GroupMember[];
    readonly then: readonly GroupMember[];
    readonly at: { readonly seq: number; readonly ts: number };
  },
): void {
  const { thread, repair } = draft;
  const { now, then, at } = undone;
  const changes = undoneBy(now, then);
  if (changes.length === 0) return;
  const own = repair.replan !== undefined;
  const { name = "" } = core.threads.groups.get(thread.thread);
  const notice = { kind: "undone", changes, ...(own ? { group: name } : {}) } as const;
  const line = noticeLine(notice, { thread: thread.thread, self: core.own.name, ...at });
  draft.entries.push(({ messages }) => {
    messages.add(line);
    return [];
  });
  if (!own) return;
  const listed = new Set(now.map(({ account }) => account));
  repair.replan = then.map(({ account }) => account).filter((account) => !listed.has(account));
}

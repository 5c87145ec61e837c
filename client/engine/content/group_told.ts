/** What the members of a group say of it, as it is kept. */
import type { GroupFacts } from "../../store/group_facts.ts";
import type { Core } from "../core.ts";
import { rolesOf, withGoodbye } from "../group_rules.ts";
import { noticeLine, noticeText } from "../notices.ts";
import type { ContentFacts, ContentHandler, Effect } from "./facts.ts";
import type { GroupBody, Nothing } from "./group.ts";

/** A group may be named ahead of this clock by as much, in milliseconds: later names have to come after it. */
const aheadMs = 24 * 60 * 60 * 1000;

/** Names the group, and compares who may do what in it with what the server has said. */
export const applyGroup: ContentHandler<GroupBody> = (core, content) => {
  const thread = core.threads.get(content.thread);
  if (thread?.kind !== "group" || !maySay(core, content)) return [];
  const before = core.threads.groups.get(thread.thread);
  const { name, description, at } = content.body;
  const isNews = at > before.namedAt && at <= core.clock.now() + aheadMs;
  const named = isNews
    ? { name, namedAt: at, ...(description === undefined ? {} : { description }) }
    : {};
  const roles = compareRoles(core, before, content);
  if (isNews || roles.facts !== undefined) {
    core.threads.setGroup(thread, { ...before, ...roles.facts, ...named });
  }
  if (isNews && before.namedAt > 0 && before.name !== name) {
    const notice = { kind: "renamed", by: content.from.name, name } as const;
    const at = { thread: thread.thread, ts: content.ts, self: core.own.name };
    core.messages.add(noticeLine(notice, at));
  }
  if (isNews && before.namedAt === 0) tellLatest(core, thread.thread);
  return [...roles.effects, { kind: "run", run: () => core.asks.told(thread.thread) }];
};

/** The latest line is told again, under the name that the group has now. */
function tellLatest({ messages }: Core, thread: number): void {
  for (const latest of messages.last([thread], 1)) messages.change(latest, latest.content);
}

/** Owners and admins speak for the group, and one's own devices to each other. */
function maySay({ threads }: Core, { thread, from, own }: ContentFacts<GroupBody>): boolean {
  const role = rolesOf(threads.groups.get(thread)).get(from.account);
  return own || role === "owner" || role === "admin";
}

interface Compared {
  readonly facts?: Pick<GroupFacts, "members">;
  readonly effects: readonly Effect[];
}

/** The server's word on roles counts until a member's own is there; a difference is told, and the member's counts. */
function compareRoles(
  { own }: Core,
  facts: GroupFacts,
  { body, from }: ContentFacts<GroupBody>,
): Compared {
  if (body.epoch !== facts.epoch || from.account === own.account) return { effects: [] };
  const said = new Map(body.roles.map(({ account, role }) => [account, role]));
  const wrong = facts.members.filter(({ account, role }) =>
    said.has(account) && said.get(account) !== role
  );
  if (wrong.length === 0) return { effects: [] };
  const text =
    `the server's list of who may do what in #${body.name} is not what ${from.name} says ` +
    `of it (${wrong.map(({ name }) => name).join(", ")}); the server's is not believed`;
  const members = facts.members.map((member) => ({
    ...member,
    role: said.get(member.account) ?? member.role,
  }));
  return { facts: { members }, effects: [{ kind: "warn", text }] };
}

/** Somebody's device would like to know what the group is called. */
export const applyGroupAsk: ContentHandler<Nothing> = (core, { thread, own, from, ts }) => {
  if (own && from.device === core.own.device) return [];
  const { namedAt, members } = core.threads.groups.get(thread);
  const role = members.find(({ account }) => account === core.own.account)?.role;
  const answers = namedAt > 0 && (own || role === "owner" || role === "admin");
  if (!answers) return [];
  return [{ kind: "run", run: () => core.asks.asked(thread, ts) }];
};

/**
 * Somebody leaves by itself; the commit that removes it comes later, by whomever. To the one who made that commit, and where
 * the goodbye could not be read at first, it may have come before: its line says then that there was a goodbye.
 */
export const applyGroupLeave: ContentHandler<Nothing> = (core, content) => {
  const thread = core.threads.get(content.thread);
  if (thread?.kind !== "group") return [];
  core.threads.setGroup(
    thread,
    withGoodbye(core.threads.groups.get(thread.thread), content.from.account),
  );
  confirmLeft(core, content);
  return [];
};

/** Lines among which that of somebody who has left is looked for: it stands a few rows behind the goodbye. */
const linesLookedAt = 200;

function confirmLeft({ messages, own }: Core, { thread, from, seq }: ContentFacts<Nothing>): void {
  if (seq === undefined) return;
  const text = (said: boolean) => noticeText({ kind: "left", who: from.name, said }, own.name);
  const line = messages.last([thread], linesLookedAt).find((one) =>
    one.content.notice === "left" && one.content.text === text(false) && (one.seq ?? 0) > seq
  );
  if (line !== undefined) messages.change(line, { ...line.content, text: text(true) });
}

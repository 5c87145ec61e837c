/** What rows of a group's log make of the group, beside its keys. */
import { toBase64url } from "../../lib/base/bytes.ts";
import { decodeMembershipChange } from "../../lib/base/membership.ts";
import type { MlsGroup, ReceivedCommit } from "../../lib/mls/mod.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import type { GroupFacts, GroupMember } from "../store/group_facts.ts";
import type { AccountKeys, Core, People } from "./core.ts";
import { accountsOf, namedAccounts } from "./group_commits.ts";
import { isIn } from "./group_names.ts";
import { dissolves, judgeCommit, type Judgement, withGoodbye } from "./group_rules.ts";
import type { Content } from "./content/codec.ts";
import type { Draft } from "./draft.ts";
import type { Groups } from "./groups.ts";
import { type Notice, noticeLine } from "./notices.ts";
import { standingOf } from "./standing.ts";

/** The accounts whose keys a commit's receiver needs: those that it adds, and whoever joins by itself. */
export function accountsIn(
  mls: Pick<typeof import("../../lib/mls/mod.ts"), "peekCommit">,
  event: Arrived<"commit">,
): readonly string[] {
  const { message, body } = event;
  if (message.external) return [message.account];
  const peeked = mls.peekCommit(body);
  const change = peeked && decodeMembershipChange(peeked.authenticatedData);
  return change?.add.map(({ account }) => account) ?? [];
}

/** What accounts are called here. */
type Naming = Pick<People, "nameOf">;

/** Where a group is changed. */
interface Surroundings {
  readonly core: Core;
  readonly groups: Groups;
}

/** What is known of the group by now. */
export function factsOf({ threads }: Core, { facts, thread }: Draft): GroupFacts {
  return facts ?? threads.groups.get(thread.thread);
}

/** Applies a commit of a group, which was processed, or says why it must not be applied. */
export function applyGroupCommit(
  { core, groups }: Surroundings,
  draft: Draft,
  { event, result }: { readonly event: Arrived<"commit">; readonly result: ReceivedCommit },
): string | undefined {
  const { group: before } = draft;
  const { message } = event;
  if (before === undefined) return undefined;
  const { thread } = draft.thread;
  // The commit can be here before the answer to leaving.
  const leaves = result.selfRemoved && groups.goodbyes.has(thread);
  const known = factsOf(core, draft);
  const judged = judgeReceived(core, {
    facts: leaves ? { ...known, standing: { kind: "leaving" } } : known,
    result,
    before,
    waiting: groups.removals.of(message.conversation).leaving,
  });
  if (judged.kind === "refused") return judged.detail;
  noteCommit(groups, draft, { message, result });
  draft.group = result.selfRemoved ? undefined : result.group;
  change(core, draft, { ...judged, message });
  // Only this device was removed, not its account: it comes back by itself.
  if (result.selfRemoved && isIn(judged.facts)) draft.rejoin = true;
  return undefined;
}

/**
 * Whoever leaves gets nothing more but the commit that removes him, which his device may be too far behind to read: he has
 * left then all the same. Whether this commit was it.
 */
export function endLeaving(
  { core, groups }: Surroundings,
  draft: Draft,
  { message }: Arrived<"commit">,
): boolean {
  const facts = factsOf(core, draft);
  const { own } = core;
  const { kind, thread } = draft.thread;
  const leaves = facts.standing.kind === "leaving" ||
    (groups.goodbyes.has(thread) && message.remove.includes(own.device));
  if (kind !== "group" || !leaves) return false;
  draft.group = undefined;
  const members = facts.members.filter(({ account }) => account !== own.account);
  change(core, draft, {
    facts: { ...facts, members, standing: { kind: "left" } },
    notices: [{ kind: "left", who: own.name, said: true }],
    message,
  });
  return true;
}

/** What the server declares of a commit must be what the commit does. */
export function noteCommit(
  groups: Groups,
  draft: Draft,
  from: { readonly message: Arrived<"commit">["message"]; readonly result: ReceivedCommit },
): void {
  const { message, result } = from;
  const removed = result.removed.map(({ deviceKey }) => toBase64url(deviceKey));
  const leaving = result.removed.map(({ accountId }) => accountId);
  groups.removals.done(message.conversation, { removals: removed, leaving });
  const declared = new Set([...message.add.map(({ device }) => device), ...message.remove]);
  if (message.external) declared.add(message.device);
  const real = [...result.added.map(({ deviceKey }) => toBase64url(deviceKey)), ...removed];
  const hidden = real.some((device) => !declared.has(device));
  if (hidden) draft.warnings.push("the server hid a change of a conversation");
}

/** Some content says something of the group itself. */
export function noteContent(
  core: Core,
  draft: Draft,
  { content, account }: { readonly content: Content; readonly account: string },
): void {
  if (content.kind !== "group_leave" || draft.thread.kind !== "group") return;
  draft.facts = withGoodbye(factsOf(core, draft), account);
}

/** A group that was joined by a welcome. */
export function applyGroupWelcome(
  core: Core,
  draft: Draft,
  { event: { message }, keys }: {
    readonly event: Arrived<"welcome">;
    readonly keys: readonly AccountKeys[];
  },
): void {
  const self = core.own.name;
  change(core, draft, {
    ...welcomedGroup(factsOf(core, draft), { message, keys, self }),
    message,
  });
}

/** Keeps what the group has become, with its lines, in their place among the batch's messages. */
function change(
  { own }: Core,
  draft: Draft,
  { facts, notices, message }: {
    readonly facts: GroupFacts;
    readonly notices: readonly Notice[];
    readonly message: Arrived<"commit" | "welcome">["message"];
  },
): void {
  draft.facts = facts;
  const { thread } = draft;
  const { ts, seq } = message;
  const lines = notices.map((notice) =>
    noticeLine(notice, { thread: thread.thread, ts, seq, self: own.name })
  );
  draft.entries.push(({ threads, messages }) => {
    // Its name is changed by messages, and stays as they have left it.
    const { name, namedAt, description } = threads.groups.get(thread.thread);
    const told = description === undefined ? {} : { description };
    threads.setGroup(thread, { ...facts, name, namedAt, ...told }, { seq });
    for (const line of lines) messages.add(line);
    return [];
  });
}

/** Judges a commit that was processed. */
function judgeReceived(
  core: Core,
  from: {
    readonly facts: GroupFacts;
    readonly result: ReceivedCommit;
    readonly before: MlsGroup;
    /** Accounts that leave, as the server says. */
    readonly waiting: readonly string[];
  },
): Judgement {
  const { facts, result, before, waiting } = from;
  const { people } = core;
  const account = result.committer.accountId;
  const ownWill = facts.standing.kind === "leaving" ? [core.own.account] : [];
  const judged = judgeCommit({
    facts: { ...facts, leaving: [...facts.leaving, ...ownWill] },
    epoch: before.epoch + 1,
    committer: { account, name: people.nameOf(result.committer) },
    change: decodeMembershipChange(result.authenticatedData),
    after: accountsAfter(people, before, result),
    waiting,
    own: core.own.account,
  });
  if (judged.kind === "refused") return judged;
  const notices = [...judged.notices, ...deviceNotices(people, facts, result)];
  const standing = result.selfRemoved ? { standing: goneBy(core, facts, result) } : {};
  return { ...judged, notices, facts: { ...judged.facts, ...standing } };
}

/** A removed device no longer sees the tree: what it was, less those removed, is what it is. */
function accountsAfter(
  people: Naming,
  before: MlsGroup,
  { group, removed, added, selfRemoved }: ReceivedCommit,
) {
  if (!selfRemoved) return accountsOf(people, group);
  const gone = new Set(removed.map(({ deviceKey }) => toBase64url(deviceKey)));
  const stay = before.members().map(({ certificate }) => certificate)
    .filter(({ deviceKey }) => !gone.has(toBase64url(deviceKey)));
  return namedAccounts(people, [...stay, ...added]);
}

/** Devices of accounts that were members before and stay. */
function deviceNotices(
  people: Naming,
  { members }: GroupFacts,
  result: ReceivedCommit,
): Notice[] {
  const listed = new Set(members.map(({ account }) => account));
  const change = decodeMembershipChange(result.authenticatedData);
  const going = new Set(change?.remove ?? []);
  const removed = result.removed.filter(({ accountId }) => !going.has(accountId));
  const again = new Set(removed.map(({ deviceKey }) => toBase64url(deviceKey)));
  const fresh = result.added.filter(({ accountId, deviceKey }) =>
    listed.has(accountId) && !again.has(toBase64url(deviceKey))
  );
  const back = new Set(result.added.map(({ deviceKey }) => toBase64url(deviceKey)));
  return [
    ...fresh.map((one): Notice => ({ kind: "device_added", who: people.nameOf(one) })),
    ...removed.filter(({ deviceKey }) => !back.has(toBase64url(deviceKey)))
      .map((one): Notice => ({ kind: "device_removed", who: people.nameOf(one) })),
  ];
}

/** Why this device is out. When only the device was removed, and not the account, nothing changes for the account. */
function goneBy(
  { own, people }: Core,
  facts: GroupFacts,
  { authenticatedData, committer }: ReceivedCommit,
): GroupFacts["standing"] {
  const change = decodeMembershipChange(authenticatedData);
  if (change?.remove.includes(own.account) !== true) return facts.standing;
  if (facts.standing.kind === "leaving") return { kind: "left" };
  const by = people.nameOf(committer);
  if (dissolves(facts, change, { account: committer.accountId })) return { kind: "dissolved", by };
  // Another device of the account has said goodbye.
  return facts.leaving.includes(own.account) ? { kind: "left" } : { kind: "removed", by };
}

/** A group as a welcome shows it. */
function welcomedGroup(
  facts: GroupFacts,
  from: {
    readonly message: Arrived<"welcome">["message"];
    readonly keys: readonly AccountKeys[];
    readonly self: string;
  },
): { readonly facts: GroupFacts; readonly notices: readonly Notice[] } {
  const { message, keys, self } = from;
  const names = new Map(keys.map(({ account, name }) => [account, name]));
  const members = message.members.map(({ account, role }): GroupMember => ({
    account,
    name: names.get(account) ?? "",
    role,
  }));
  const { before: _, ...kept } = facts;
  return {
    facts: {
      ...kept,
      epoch: message.epoch,
      members,
      leaving: [],
      standing: standingOf(message, keys),
    },
    notices: [{ kind: "added", by: names.get(message.account) ?? "somebody", who: [self] }],
  };
}

/** Own commits of groups: what they say about accounts, and what they make of the group. */
import {
  encodeMembershipChange,
  type MembershipChange,
  noChange,
} from "../../lib/base/membership.ts";
import { toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import type { DeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { MlsGroup, PendingCommit } from "../../lib/mls/mod.ts";
import type { GroupFacts, Standing } from "../store/group_facts.ts";
import type { Thread } from "../store/threads.ts";
import type { AccountKeys, Core, People } from "./core.ts";
import type { Groups } from "./groups.ts";
import { judgeCommit, type Named, withGoodbye } from "./group_rules.ts";
import type { CheckedPackage } from "./key_packages.ts";
import type { Notice } from "./notices.ts";
import { type Change, type Pending, type PendingGroup, pendingOf } from "./pending.ts";

/** What a commit shall do. */
export interface Planned {
  readonly change: MembershipChange;
  /** Key packages of devices to be added. */
  readonly packages: readonly CheckedPackage[];
}

/** Fresh keys, and the removals that wait. */
export const onlyFresh: Planned = { change: noChange, packages: [] };

/** Plans a commit upon the group as it is now; undefined when nothing is left to do. Asked again after a lost race. */
export type Plan = (facts: GroupFacts) => Promise<Planned | undefined>;

/**
 * The commit of a plan, together with the removals that wait at the server. Throws `AppError("not_allowed")` for what the
 * own role does not allow.
 */
export async function plannedCommit(
  core: Core,
  groups: Groups,
  to: { readonly thread: Thread; readonly group: MlsGroup; readonly planned: Planned },
): Promise<Pending> {
  const { thread, group, planned } = to;
  const conversation = thread.conversation ?? "";
  const waiting = groups.removals.of(conversation);
  const isGroup = thread.kind === "group";
  const facts = core.threads.groups.get(thread.thread);
  const change = isGroup
    ? withLeavers(planned.change, { facts, leaving: waiting.leaving })
    : noChange;
  const built = await group.commit({
    add: planned.packages.map(({ bytes }) => bytes),
    remove: leavesOf(group, { devices: waiting.removals, accounts: change.remove }),
    authenticatedData: encodeMembershipChange(change),
    now: core.clock.now(),
  });
  if (built.kind === "refused") throw new AppError("internal", { text: built.detail });
  return pendingOf(built, {
    change: { kind: "commit" },
    conversation,
    incarnation: thread.incarnation,
    ...(isGroup ? { group: judgedByOneself(core, { facts, change, built, waiting }) } : {}),
  });
}

/** The first commit of a group, which lists its creator as owner and everybody else as member. */
export async function firstCommit(
  core: Core,
  to: {
    readonly thread: Thread;
    readonly group: MlsGroup;
    readonly packages: readonly CheckedPackage[];
    readonly keys: readonly AccountKeys[];
  },
): Promise<Pending> {
  const { thread, group, packages, keys } = to;
  const { own, clock, threads } = core;
  const members = keys.map(({ account, name }) => ({
    account,
    name,
    role: account === own.account ? "owner" as const : "member" as const,
  }));
  const built = await group.commit({
    add: packages.map(({ bytes }) => bytes),
    authenticatedData: encodeMembershipChange({ ...noChange, add: members }),
    now: clock.now(),
  });
  if (built.kind === "refused") throw new AppError("internal", { text: built.detail });
  const who = members.flatMap(({ account, name }) => account === own.account ? [] : [name]);
  const facts = { ...threads.groups.get(thread.thread), epoch: built.epoch + 1, members };
  const notices: Notice[] = [{ kind: "created", by: own.name }];
  if (who.length > 0) notices.push({ kind: "added", by: own.name, who });
  return pendingOf(built, {
    change: { kind: "create" },
    conversation: thread.conversation ?? "",
    group: { facts, notices, leaving: [], tell: "name" },
  });
}

/** Whoever leaves has to be removed by every commit; what else is planned with them is moot. */
function withLeavers(
  change: MembershipChange,
  { facts, leaving }: { readonly facts: GroupFacts; readonly leaving: readonly string[] },
): MembershipChange {
  const listed = new Set(facts.members.map(({ account }) => account));
  const gone = leaving.filter((account) => listed.has(account));
  const remove = [...new Set([...change.remove, ...gone])];
  return {
    ...change,
    remove,
    roles: change.roles.filter(({ account }) => !gone.includes(account)),
  };
}

function leavesOf(
  group: MlsGroup,
  { devices, accounts }: {
    readonly devices: readonly string[];
    readonly accounts: readonly string[];
  },
): number[] {
  const going = group.members().filter(({ leafIndex, certificate }) =>
    leafIndex !== group.ownLeafIndex &&
    (accounts.includes(certificate.accountId) ||
      devices.includes(toBase64url(certificate.deviceKey)))
  );
  return going.map(({ leafIndex }) => leafIndex);
}

function judgedByOneself(
  { own, people }: Core,
  to: {
    readonly facts: GroupFacts;
    readonly change: MembershipChange;
    readonly built: PendingCommit;
    readonly waiting: { readonly leaving: readonly string[] };
  },
): PendingGroup {
  const { facts, change, built, waiting } = to;
  const judged = judgeCommit({
    facts,
    epoch: built.epoch + 1,
    committer: { account: own.account, name: own.name },
    change,
    after: accountsOf(people, built.next),
    waiting: waiting.leaving,
    own: own.account,
  });
  if (judged.kind === "refused") {
    throw new AppError("not_allowed", { text: `the group does not allow that: ${judged.detail}` });
  }
  const tell = change.add.length > 0 ? "name" : "nothing";
  return { facts: judged.facts, notices: judged.notices, leaving: change.remove, tell };
}

/** The accounts that have devices in a group, under their names here. */
export function accountsOf(
  people: Pick<People, "nameOf">,
  group: Pick<MlsGroup, "members">,
): Map<string, Named> {
  return namedAccounts(people, group.members().map(({ certificate }) => certificate));
}

/** The accounts of certificates, under their names here. */
export function namedAccounts(
  people: Pick<People, "nameOf">,
  certificates: readonly DeviceCertificate[],
): Map<string, Named> {
  return new Map(
    certificates.map((one) =>
      [one.accountId, { account: one.accountId, name: people.nameOf(one) }] as const
    ),
  );
}

/**
 * What an accepted change makes of the group as it is `now`: since the change was planned the group may have got its name,
 * members may have said goodbye, and this account may have left.
 */
export function acceptedUpon(
  now: GroupFacts,
  { group, change }: { readonly group: PendingGroup; readonly change: Change },
): Pick<PendingGroup, "facts" | "notices"> {
  const { name, namedAt, standing, leaving, members } = now;
  const known = name === undefined || namedAt < group.facts.namedAt ? {} : { name, namedAt };
  const planned = { ...group.facts, ...known };
  if (change.kind !== "commit") return { facts: planned, notices: group.notices };
  const gone = members.filter(({ account }) => leaving.includes(account)).map(({ name }) => name);
  return {
    facts: leaving.reduce(withGoodbye, { ...planned, standing }),
    notices: group.notices.map((notice) =>
      notice.kind === "left" && gone.includes(notice.who) ? { ...notice, said: true } : notice
    ),
  };
}

/**
 * A group as a device finds it that joins, by the server's list of its members; `keys` are those of all of them. What has
 * changed while it was away is told in one line.
 */
export function enteredGroup(
  before: GroupFacts,
  found: {
    readonly members: readonly {
      readonly account: string;
      readonly role: GroupFacts["members"][number]["role"];
    }[];
    readonly keys: readonly AccountKeys[];
    readonly epoch: number;
    readonly standing: Standing;
  },
): PendingGroup {
  const names = new Map(found.keys.map(({ account, name }) => [account, name]));
  const members = found.members.map(({ account, role }) => ({
    account,
    name: names.get(account) ?? "",
    role,
  }));
  const known = new Set(before.members.map(({ account }) => account));
  const present = new Set(members.map(({ account }) => account));
  const joined = members.filter(({ account }) => !known.has(account)).map(({ name }) => name);
  const gone = before.members.filter(({ account }) => !present.has(account)).map(({ name }) =>
    name
  );
  const missed = before.members.length > 0 && joined.length + gone.length > 0;
  const { before: _, ...kept } = before;
  return {
    facts: { ...kept, epoch: found.epoch, members, leaving: [], standing: found.standing },
    notices: missed ? [{ kind: "missed", joined, gone }] : [],
    leaving: [],
    tell: "ask",
  };
}

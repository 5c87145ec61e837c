/** What a commit makes of a group's members, and whether its author may do that. Pure. */
import {
  applyMembershipChange,
  changesNothing,
  type MembershipChange,
  type MembershipRefusal,
  noChange,
  refuseMembershipChange,
  type Role,
} from "../../lib/base/membership.ts";
import type { GroupFacts, GroupMember } from "../store/group_facts.ts";
import type { Notice } from "./notices.ts";

/** An account of which somebody has just learnt. */
export interface Named {
  readonly account: string;
  readonly name: string;
}

/** A commit as it is judged. */
export interface JudgedCommit {
  /** The group before it. */
  readonly facts: GroupFacts;
  /** The epoch that it leads to. */
  readonly epoch: number;
  readonly committer: Named;
  /** What it says that it changes; undefined when that cannot be read. */
  readonly change: MembershipChange | undefined;
  /** The accounts of all devices after it. */
  readonly after: ReadonlyMap<string, Named>;
  /** Accounts that leave, as the server says. */
  readonly waiting: readonly string[];
  /** The own account. */
  readonly own: string;
}

/** What comes of it. */
export type Judgement =
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "accepted"; readonly facts: GroupFacts; readonly notices: readonly Notice[] };

/** The roles of a group's members. */
export function rolesOf({ members }: Pick<GroupFacts, "members">): Map<string, Role> {
  return new Map(members.map(({ account, role }) => [account, role]));
}

/**
 * Judges a commit by the roles that are known here. Whoever is removed without a right to it counts as leaving: the server
 * lets no commit pass that removes anybody else, and says so to everybody.
 */
export function judgeCommit(judged: JudgedCommit): Judgement {
  const { change, facts, committer, after, epoch } = judged;
  if (change === undefined) return refused("what it changes cannot be read");
  const roles = rolesOf(facts);
  const by = { roles, actor: committer.account };
  const leaving = leaversIn(change, judged);
  const refusal = changesNothing(change)
    ? refuseNothing(by)
    : refuseMembershipChange(change, { ...by, leaving });
  if (refusal !== undefined) return refused(sentences[refusal]);
  const misfit = compare(applyMembershipChange(roles, change), { change, after });
  if (misfit !== undefined) return refused(misfit);
  const members = membersAfter(judged, change);
  return {
    kind: "accepted",
    facts: {
      ...facts,
      epoch,
      members,
      leaving: facts.leaving.filter((account) => !change.remove.includes(account)),
      before: { epoch: epoch - 1, members: facts.members, leaving: facts.leaving },
    },
    notices: noticesOf(judged, { change, leaving }),
  };
}

function refused(detail: string): Judgement {
  return { kind: "refused", detail };
}

const sentences: { readonly [refusal in MembershipRefusal]: string } = {
  not_listed: "it is about somebody who is not in the group",
  already_listed: "it adds somebody twice",
  leaving_stay: "it keeps somebody who is leaving",
  too_many: "it makes the group too large",
  not_allowed: "its author has no right to that",
  no_owner: "it leaves the group without an owner",
};

/** Devices and keys are changed by every member. */
function refuseNothing(
  { roles, actor }: { readonly roles: ReadonlyMap<string, Role>; readonly actor: string },
): MembershipRefusal | undefined {
  return roles.has(actor) ? undefined : "not_listed";
}

/** Who of those removed must be leaving by themselves. */
function leaversIn(
  change: MembershipChange,
  { facts, committer, waiting }: JudgedCommit,
): ReadonlySet<string> {
  const roles = rolesOf(facts);
  const own = roles.get(committer.account);
  const mayRemove = (role: Role | undefined) =>
    own === "owner" || (own === "admin" && role === "member");
  return new Set(
    change.remove.filter((account) =>
      facts.leaving.includes(account) || waiting.includes(account) ||
      !mayRemove(roles.get(account))
    ),
  );
}

/** Whether the devices in the tree belong to those who are members then. */
function compare(
  roles: ReadonlyMap<string, Role>,
  { change, after }: {
    readonly change: MembershipChange;
    readonly after: ReadonlyMap<string, Named>;
  },
): string | undefined {
  const stranger = [...after.values()].find(({ account }) => !roles.has(account));
  if (stranger !== undefined) return `${stranger.name} is in it and no member`;
  const absent = change.add.some(({ account }) => !after.has(account));
  return absent ? "it adds somebody of whom no device is in it" : undefined;
}

function membersAfter(
  { facts, after }: JudgedCommit,
  change: MembershipChange,
): readonly GroupMember[] {
  const names = new Map(facts.members.map(({ account, name }) => [account, name]));
  return [...applyMembershipChange(rolesOf(facts), change)].map(([account, role]) => ({
    account,
    name: after.get(account)?.name ?? names.get(account) ?? "",
    role,
  }));
}

function noticesOf(
  { facts, committer, after, own }: JudgedCommit,
  { change, leaving }: {
    readonly change: MembershipChange;
    readonly leaving: ReadonlySet<string>;
  },
): Notice[] {
  const before = new Map(facts.members.map(({ account, name }) => [account, name]));
  const name = (account: string) => after.get(account)?.name ?? before.get(account) ?? "somebody";
  const by = committer.name;
  const said = new Set(facts.leaving);
  const removed = change.remove.filter((account) => !leaving.has(account));
  if (removed.includes(own) && dissolves(facts, change, committer)) {
    return [{ kind: "dissolved", by }];
  }
  return [
    ...some("added", by, change.add.map(({ account }) => name(account))),
    ...some("removed", by, removed.map(name)),
    ...[...leaving].map((account): Notice => ({
      kind: "left",
      who: name(account),
      said: said.has(account),
    })),
    ...change.roles.map(({ account, role }): Notice => ({
      kind: "role",
      by,
      who: name(account),
      role,
    })),
  ];
}

/** Whoever has said goodbye and then removes everybody else dissolves the group. */
export function dissolves(
  { members, leaving }: Pick<GroupFacts, "members" | "leaving">,
  { remove }: MembershipChange,
  committer: Pick<Named, "account">,
): boolean {
  return leaving.includes(committer.account) && remove.length === members.length - 1;
}

function some(kind: "added" | "removed", by: string, who: readonly string[]): Notice[] {
  return who.length === 0 ? [] : [{ kind, by, who }];
}

/** The change that makes `roles` out of a group's own, as far as `wanted` asks for it; what holds already is left out. */
export function changeWanted(
  facts: GroupFacts,
  wanted: {
    readonly add?: readonly string[];
    readonly remove?: readonly string[];
    readonly roles?: readonly { readonly account: string; readonly role: Role }[];
  },
): MembershipChange {
  const roles = rolesOf(facts);
  return {
    ...noChange,
    add: (wanted.add ?? []).filter((account) => !roles.has(account))
      .map((account) => ({ account, role: "member" })),
    remove: (wanted.remove ?? []).filter((account) => roles.has(account)),
    roles: (wanted.roles ?? []).filter(({ account, role }) =>
      roles.has(account) && roles.get(account) !== role
    ),
  };
}

/** The group before its last commit, when that is taken back to `epoch`. */
export function takenBack(facts: GroupFacts, epoch: number): GroupFacts {
  if (facts.before?.epoch !== epoch) return { ...facts, epoch };
  const { before: { members, leaving = [] }, ...rest } = facts;
  const { before: _, ...kept } = rest as GroupFacts;
  return { ...kept, epoch, members, leaving: [...new Set([...facts.leaving, ...leaving])] };
}

/**
 * The group after a member's goodbye: it counts for the commit that is to remove the member, and where that one was here
 * first, for one that has to do it once more.
 */
export function withGoodbye(facts: GroupFacts, account: string): GroupFacts {
  const { members, leaving, before } = facts;
  const isIn = (all: readonly GroupMember[]) => all.some((one) => one.account === account);
  const more = (known: readonly string[] = []) => [...new Set([...known, account])];
  return {
    ...facts,
    ...(isIn(members) ? { leaving: more(leaving) } : {}),
    ...(before !== undefined && isIn(before.members)
      ? { before: { ...before, leaving: more(before.leaving) } }
      : {}),
  };
}

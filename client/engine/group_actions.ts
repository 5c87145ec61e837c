/** What a person does with groups. */
import { AppError } from "../../lib/base/errors.ts";
import { randomId } from "../../lib/base/ids.ts";
import {
  changesNothing,
  type MembershipChange,
  refuseMembershipChange,
  type Role,
} from "../../lib/base/membership.ts";
import { type GroupFacts, unknownGroup } from "../store/group_facts.ts";
import type { Thread } from "../store/threads.ts";
import type { GroupInfo, GroupsApi, GroupTarget } from "./api_groups.ts";
import { announce } from "./announce.ts";
import { type AccountKeys, type Core, isTemporary, sameName } from "./core.ts";
import { follow } from "./content/facts.ts";
import { queueContent, sayQuietly } from "./content/queue.ts";
import type { Conversations } from "./conversations.ts";
import type { Plan } from "./group_commits.ts";
import { groupInfo } from "./group_info.ts";
import { findGroup, isGroupName, isIn } from "./group_names.ts";
import { changeWanted, rolesOf } from "./group_rules.ts";
import type { Groups } from "./groups.ts";
import { type CheckedPackage, claimPackages } from "./key_packages.ts";
import { isAddress } from "./address.ts";
import { sideBySide } from "./many_keys.ts";

/** How long leaving waits for the farewell to be taken, in milliseconds. */
const farewellMs = 15_000;

/** What the actions need beside the core. */
export interface ActionOptions {
  readonly conversations: Conversations;
  readonly groups: Groups;
  /** Resolves when the server has taken an own message. */
  readonly sent: (id: string, signal: AbortSignal) => Promise<unknown>;
}

/** The groups of an engine, as a person changes them. */
export class GroupActions implements GroupsApi {
  readonly #core: Core;
  readonly #options: ActionOptions;

  constructor(core: Core, options: ActionOptions) {
    this.#core = core;
    this.#options = options;
  }

  async create(name: string, users: readonly string[]): Promise<GroupInfo> {
    const wanted = checkedName(name);
    const { own, people } = this.#core;
    const others = (await this.#accounts(users)).filter(({ account }) => account !== own.account);
    const self = await people.keysOf({ account: own.account });
    const thread = this.#newThread(wanted);
    try {
      await this.#options.conversations.createGroup(thread, [self, ...others]);
    } catch (thrown) {
      this.#forget(thread.thread);
      throw thrown;
    }
    return this.#info(this.#get(thread.thread));
  }

  #newThread(name: string): Thread {
    const { sealed, threads, clock } = this.#core;
    return sealed.database.transaction(() => {
      const thread = threads.obtainGroup(randomId());
      threads.setGroup(thread, { ...unknownGroup, name, namedAt: clock.now() });
      return this.#get(thread.thread);
    });
  }

  /** A group that could not be made; one whose making has no verdict yet stays. */
  #forget(thread: number): void {
    const { sealed, threads, changed } = this.#core;
    sealed.database.transaction(() => {
      const row = threads.get(thread);
      if (row !== undefined && !row.joined && !row.hasPending) threads.forgetGroup(thread);
    });
    changed();
  }

  // deno-lint-ignore require-await -- refusals reject
  async list(): Promise<readonly GroupInfo[]> {
    return this.#core.threads.all().filter(({ kind }) => kind === "group")
      .map((thread) => this.#info(thread));
  }

  // deno-lint-ignore require-await -- refusals reject
  async info(target: GroupTarget): Promise<GroupInfo> {
    return this.#info(this.#find(target));
  }

  async add(target: GroupTarget, users: readonly string[]): Promise<readonly string[]> {
    const { thread } = this.#find(target);
    const keys = await this.#accounts(users);
    const wanted = keys.map(({ account }) => account);
    const claimed = new Map<string, readonly CheckedPackage[]>();
    const added = await this.#change(thread, { add: wanted }, async (change) => {
      const accounts = change.add.map(({ account }) => account);
      const row = this.#get(thread);
      await this.#options.groups.expect(row, { accounts });
      return await this.#packages(row, { keys, accounts, claimed });
    });
    return namesOf(keys, added?.add.map(({ account }) => account) ?? []);
  }

  /** Key packages of accounts to be added; those of a round before are used again. */
  async #packages(
    { thread, conversation = "" }: Thread,
    of: {
      readonly keys: readonly AccountKeys[];
      readonly accounts: readonly string[];
      readonly claimed: Map<string, readonly CheckedPackage[]>;
    },
  ): Promise<readonly CheckedPackage[]> {
    const wanted = of.keys.filter(({ account }) => of.accounts.includes(account));
    const missing = wanted.filter(({ account }) => !of.claimed.has(account));
    await sideBySide(missing, async (keys) => {
      const claimed = await claimPackages(this.#core, { conversation, keys: [keys] });
      this.#options.groups.learn(thread, claimed.keys);
      of.claimed.set(keys.account, claimed.packages);
    });
    return wanted.flatMap(({ account }) => of.claimed.get(account) ?? []);
  }

  async remove(target: GroupTarget, users: readonly string[]): Promise<readonly string[]> {
    const { thread } = this.#find(target);
    const members = users.map((user) => this.#member(thread, user));
    const wanted = members.map(({ account }) => account);
    const removed = await this.#change(thread, { remove: wanted });
    return namesOf(members, removed?.remove ?? []);
  }

  async setRole(target: GroupTarget, user: string, role: Role): Promise<void> {
    const { thread } = this.#find(target);
    const { account } = this.#member(thread, user);
    await this.#change(thread, { roles: [{ account, role }] });
  }

  // deno-lint-ignore require-await -- refusals reject
  async rename(target: GroupTarget, name: string): Promise<void> {
    const wanted = checkedName(name);
    const thread = this.#find(target);
    const { threads, own, sealed, clock, changed } = this.#core;
    const facts = threads.groups.get(thread.thread);
    this.#checkActive(thread, facts);
    const role = rolesOf(facts).get(own.account);
    if (role !== "owner" && role !== "admin") {
      throw notAllowed("only owners and admins rename a group");
    }
    const { epoch, namedAt, members, description } = facts;
    const body = {
      name: wanted,
      ...(description === undefined ? {} : { description }),
      at: Math.max(clock.now(), namedAt + 1),
      epoch,
      roles: members.map(({ account, role }) => ({ account, role })),
    };
    const { effects } = sealed.database.transaction(() =>
      sayQuietly(this.#core, thread.thread, { kind: "group", body })
    );
    follow(this.#core, effects);
    changed();
  }

  async leave(target: GroupTarget): Promise<void> {
    const thread = this.#find(target);
    const { threads, own } = this.#core;
    const facts = threads.groups.get(thread.thread);
    const { kind } = facts.standing;
    if (kind === "left" || kind === "removed" || kind === "dissolved") return;
    const owners = facts.members.filter(({ role }) => role === "owner");
    const last = owners.length === 1 && owners[0]?.account === own.account;
    if (last && facts.members.length > 1) throw new AppError("last_owner");
    const { goodbyes } = this.#options.groups;
    goodbyes.add(thread.thread);
    try {
      if (kind === "active" && facts.members.length > 1) await this.#farewell(thread.thread);
      await this.#leave(thread);
      goodbyes.delete(thread.thread);
    } catch (thrown) {
      // Without an answer the server may have taken it all the same.
      if (!isTemporary(thrown)) goodbyes.delete(thread.thread);
      throw thrown;
    }
  }

  async #farewell(thread: number): Promise<void> {
    const { sealed, logger } = this.#core;
    const { id } = sealed.database.transaction(() =>
      queueContent(this.#core, thread, { kind: "group_leave", body: {} })
    );
    try {
      await this.#options.sent(id, AbortSignal.timeout(farewellMs));
    } catch (thrown) {
      // Leaving goes on: the others only see that the server said so.
      logger.log("info", "farewell_not_sent", { cause: String(thrown) });
    }
  }

  /** `last`: what became of the group when nobody is in it any more. */
  async #leave(
    { thread, conversation }: Thread,
    last: GroupFacts["standing"] = { kind: "left" },
  ): Promise<void> {
    if (conversation === undefined) return;
    const { server, sealed, threads, changed } = this.#core;
    const { message } = await server.request({ type: "conversation.leave", conversation });
    sealed.database.transaction(() => {
      const row = this.#get(thread);
      const facts = threads.groups.get(thread);
      // The commit that removes this account may have been here before this answer.
      const next = isIn(facts) ? { kind: "leaving" } as const : facts.standing;
      threads.setGroup(row, { ...facts, standing: message.deleted ? last : next });
      // Nothing comes any more that would need the keys.
      if (message.deleted) {
        threads.compareAndSet(thread, row.version, { state: null, pending: null });
      }
    });
    changed();
  }

  async dissolve(target: GroupTarget): Promise<void> {
    const thread = this.#find(target);
    const { threads, own } = this.#core;
    if (rolesOf(threads.groups.get(thread.thread)).get(own.account) !== "owner") {
      throw notAllowed("only an owner dissolves a group");
    }
    const others = () =>
      threads.groups.get(thread.thread).members.map(({ account }) => account)
        .filter((account) => account !== own.account);
    if (others().length > 0) {
      // So that the others know it from being removed.
      await this.#farewell(thread.thread);
      await this.#change(thread.thread, others);
    }
    await this.#leave(this.#get(thread.thread), { kind: "dissolved", by: own.name });
  }

  /** Commits what is wanted and not so yet; what was committed, or undefined when nothing was left to do. */
  async #change(
    thread: number,
    wanted: Parameters<typeof changeWanted>[1] | (() => readonly string[]),
    packages: (change: MembershipChange) => Promise<readonly CheckedPackage[]> = noPackages,
  ): Promise<MembershipChange | undefined> {
    let last: MembershipChange | undefined;
    const plan: Plan = async (facts) => {
      this.#checkActive(this.#get(thread), facts);
      const asked = typeof wanted === "function" ? { remove: wanted() } : wanted;
      const change = changeWanted(facts, asked);
      last = changesNothing(change) ? undefined : change;
      if (last === undefined) return undefined;
      checkAllowed(change, { facts, actor: this.#core.own.account });
      return { change, packages: await packages(change) };
    };
    await this.#options.conversations.change(thread, plan);
    return last;
  }

  /** Tells the group what it is called, because somebody has asked. */
  tellName(thread: number): void {
    const row = this.#core.threads.get(thread);
    if (row?.joined !== true) return;
    this.#core.sealed.database.transaction(() => announce(this.#core, thread));
  }

  /** The keys of accounts by their names, each once. Rejects with `no_such_user`, naming whom. */
  async #accounts(users: readonly string[]): Promise<readonly AccountKeys[]> {
    const wrong = users.find((name) => !isAddress(name));
    if (wrong !== undefined) throw new AppError("invalid_name");
    const keys = await sideBySide(users, (name) => this.#core.people.keysOf({ name }));
    return [...new Map(keys.map((each) => [each.account, each])).values()];
  }

  #member(thread: number, user: string): { readonly account: string; readonly name: string } {
    const { members } = this.#core.threads.groups.get(thread);
    const found = members.find(({ name }) => sameName(name, user));
    if (found !== undefined) return found;
    throw new AppError("not_found", { text: `${user} is not in that group` });
  }

  #checkActive({ title }: Thread, { standing }: GroupFacts): void {
    if (standing.kind === "active") return;
    const text = standing.kind === "request"
      ? `${title} is an invitation: accept it first`
      : `you are not in ${title} any more`;
    throw new AppError("not_a_member", { text });
  }

  #find(target: GroupTarget): Thread {
    return findGroup(this.#core.threads, target);
  }

  #get(thread: number): Thread {
    const row = this.#core.threads.get(thread);
    if (row === undefined) throw new AppError("not_found", { fault: "us" });
    return row;
  }

  #info(thread: Thread): GroupInfo {
    return groupInfo(this.#core, thread);
  }
}

const noPackages = () => Promise.resolve([]);

function checkedName(name: string): string {
  const plain = name.startsWith("#") ? name.slice(1) : name;
  if (isGroupName(plain)) return plain;
  throw new AppError("invalid_name", {
    text: "a group's name has 1 to 64 characters without spaces, # or ~, and is not lobby",
  });
}

function namesOf(
  people: readonly { readonly account: string; readonly name: string }[],
  accounts: readonly string[],
): string[] {
  return people.filter(({ account }) => accounts.includes(account)).map(({ name }) => name);
}

function notAllowed(text: string): AppError {
  return new AppError("not_allowed", { text });
}

/** Says before anything is sent what the server and the others would refuse. */
function checkAllowed(
  change: MembershipChange,
  { facts, actor }: { readonly facts: GroupFacts; readonly actor: string },
): void {
  if (change.remove.includes(actor)) {
    throw notAllowed("nobody removes themselves from a group: leave it");
  }
  const proposed = { roles: rolesOf(facts), leaving: new Set<string>(), actor };
  switch (refuseMembershipChange(change, proposed)) {
    case undefined:
      return;
    case "too_many":
      throw new AppError("group_full");
    case "no_owner":
      throw new AppError("last_owner", {
        text: "a group needs an owner: make somebody else one first",
      });
    default:
      throw notAllowed(
        change.roles.length > 0
          ? "only an owner changes roles"
          : "your role in this group does not allow that; ask an owner or admin",
      );
  }
}

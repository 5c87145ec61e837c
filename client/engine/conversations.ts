/**
 * Conversations as groups: making one, joining one, changing one. Every change is stored before it is sent and applied
 * only when the server has accepted it; the same change sent again gets the same verdict.
 */
import { toBase64url } from "../../lib/base/bytes.ts";
import { pause } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import { randomId, uuidBytes } from "../../lib/base/ids.ts";
import type { MlsGroup } from "../../lib/mls/mod.ts";
import { RefusedError } from "../../lib/wire/errors.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { Thread } from "../store/threads.ts";
import { type AccountKeys, type Core, isTemporary } from "./core.ts";
import { devicesOf, type Groups } from "./groups.ts";
import { claimPackages } from "./key_packages.ts";
import { decodePending, encodePending, type Pending, pendingOf } from "./pending.ts";

/** What became of a pending change. */
export type Verdict = "none" | "accepted" | "lost";

/** A conversation as the server lists it. */
export type Listed = Message<"conversation.list.ok">["conversations"][number];

/** How often a lost race is run again before giving up for now. */
const attempts = 6;

/** How often, and how long apart in milliseconds, a store that seems to be behind is looked at again. */
const patientLooks = 15;
const betweenLooksMs = 200;

/** The conversations of an engine. */
export class Conversations {
  readonly #core: Core;
  readonly #groups: Groups;
  /** Takes in everything that waits at the server for this device. */
  readonly #readLog: (conversation: string) => Promise<void>;
  /** Devices that the next commit must remove, as far as known here. */
  readonly #removals = new Map<string, readonly string[]>();
  #listed: Promise<Listed[]> | undefined;

  constructor(
    core: Core,
    groups: Groups,
    options: { readonly readLog: (conversation: string) => Promise<void> },
  ) {
    this.#core = core;
    this.#groups = groups;
    this.#readLog = options.readLog;
  }

  /** Every conversation of the account, as the server lists them. */
  async list(): Promise<Listed[]> {
    const all: Listed[] = [];
    for (;;) {
      const after = all.at(-1)?.conversation;
      const { message } = await this.#core.server.request({
        type: "conversation.list",
        ...(after === undefined ? {} : { after }),
      });
      all.push(...message.conversations);
      // In order of their ids: a list that does not go on would never end.
      const last = all.at(-1)?.conversation ?? "";
      if (!message.more || last <= (after ?? "")) break;
    }
    for (const { conversation, removals } of all) this.#removals.set(conversation, removals);
    return all;
  }

  /** Whether the server waits for a commit that removes somebody. */
  hasRemovals(conversation: string): boolean {
    return (this.#removals.get(conversation)?.length ?? 0) > 0;
  }

  /**
   * The thread with a group that this device is in: as it is, joined, or made now. Rejects with what stands in the way:
   * `no_such_user`, `no_key_package`, `tampered` (the server's answers do not hold), or a temporary error.
   */
  ensure(thread: number): Promise<Thread> {
    return this.#core.locks.run(`ensure:${thread}`, async () => {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const now = this.#get(thread);
        if (now.hasPending) await this.resolve(thread);
        else if (now.joined) return now;
        else await this.#obtain(now);
      }
      throw new AppError("epoch_conflict", { fault: "us" });
    });
  }

  async #obtain(thread: Thread): Promise<void> {
    const keys = await this.#identify(thread);
    const { account } = keys[keys.length - 1] ?? keys[0] ?? {};
    const listed = (await this.list()).find((one) => isWith(one, this.#core.own.account, account));
    if (listed === undefined) await this.#create(this.#get(thread.thread), keys);
    else await this.adopt(this.#get(thread.thread), listed);
  }

  /** The partner's verified keys, its account noted; own keys first. */
  async #identify(thread: Thread): Promise<readonly AccountKeys[]> {
    const keys = await this.#groups.expect(thread);
    const partner = keys[keys.length - 1];
    if (partner !== undefined && thread.partner?.account === undefined) {
      const { account, name } = partner;
      this.#core.sealed.database.transaction(() =>
        this.#core.threads.setPartner(thread.thread, { account, name })
      );
    }
    return keys;
  }

  /** Makes a conversation that exists at the server this thread's, and this device part of it. */
  async adopt(thread: Thread, listed: Pick<Listed, "conversation" | "cursor">): Promise<void> {
    const { conversation } = listed;
    if (thread.conversation !== conversation) {
      if (thread.conversation !== undefined && thread.joined) throw this.#forked(thread);
      if (!this.#set(thread, { conversation, cursor: 0, pending: null })) return;
    }
    // A cursor means that this device was welcomed: its welcome waits in the log.
    if (listed.cursor !== null) await this.#readLog(conversation);
    const now = this.#get(thread.thread);
    if (!now.joined && !now.hasPending) await this.join(now);
  }

  #forked(thread: Thread): AppError {
    const text = `the server shows a second conversation with ${thread.title}; it is ignored`;
    this.#core.warn(text);
    return new AppError("tampered", { text });
  }

  async #create(thread: Thread, keys: readonly AccountKeys[]): Promise<void> {
    const { core } = { core: this.#core };
    const conversation = randomId();
    const packages = await claimPackages(core, { conversation, keys });
    const mls = await core.mls();
    const context = this.#groups.context(thread.thread);
    const now = core.clock.now();
    const alone = await mls.createGroup(uuidBytes(conversation), { ...context, now });
    const built = await alone.commit({ add: packages.map(({ bytes }) => bytes), now });
    if (built.kind === "refused") throw this.#distrust(thread, built.detail);
    this.#checkMembers(thread, { group: built.next, conversation, keys });
    const partner = keys[keys.length - 1]?.account ?? core.own.account;
    await this.#propose(
      thread,
      pendingOf(built, { change: { kind: "create", with: partner }, conversation }),
    );
  }

  /** Joins by an external commit, with the group info that the server keeps. A former leaf of this device goes. */
  async join(thread: Thread): Promise<void> {
    const { conversation } = thread;
    if (conversation === undefined) throw new AppError("no_such_conversation", { fault: "us" });
    const keys = await this.#groups.expect(thread, { fresh: true });
    const { message, body } = await this.#core.server.request({
      type: "conversation.info",
      conversation,
    });
    this.#removals.set(conversation, message.removals);
    const mls = await this.#core.mls();
    const built = await mls.joinExternally(body, {
      ...this.#groups.context(thread.thread),
      now: this.#core.clock.now(),
    });
    if (built.kind === "refused") throw this.#distrust(thread, built.detail);
    this.#checkMembers(thread, { group: built.next, conversation, keys });
    this.#checkRoster(thread, built.next, message.roster);
    await this.#propose(thread, pendingOf(built, { change: { kind: "external" }, conversation }));
  }

  /** Gives up the group state of `epoch`, which cannot go on, and joins again; a newer state is left alone. */
  async rejoin(thread: number, epoch: number): Promise<void> {
    const now = this.#get(thread);
    if (now.joined && now.epoch === epoch) this.#set(now, { state: null, pending: null });
    await this.ensure(thread);
  }

  /** A new session begins: what the server lists is asked anew. */
  newSession(): void {
    this.#listed = undefined;
  }

  /** The list as it was at the beginning of this session, asked for once. */
  listed(): Promise<Listed[]> {
    return this.#listed ??= this.list();
  }

  /**
   * Whether the store is as new as what the server knows of this device. A store that was put back from a copy is not:
   * going on with it would use keys a second time. To be asked when every own message and change has its answer.
   */
  async isCurrent(thread: number): Promise<boolean> {
    const listed = await this.listed();
    // The server counts an own message as taken in at once; another process on this profile, whose message it was, notes
    // that a moment later. A store from a copy stays behind.
    for (let look = 0; look < patientLooks; look++) {
      const { conversation, cursor } = this.#get(thread);
      const known = listed.find((one) => one.conversation === conversation);
      if (known === undefined || known.cursor === null || cursor >= known.cursor) return true;
      await pause(this.#core.clock, betweenLooksMs);
    }
    return false;
  }

  /**
   * Makes fresh keys, and removes the devices whose removal waits. A lost race is run again after taking in the winner's
   * commit.
   */
  renew(thread: number): Promise<void> {
    return this.#core.locks.run(`renew:${thread}`, async () => {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const now = await this.ensure(thread);
        if (now.conversation === undefined) return;
        const verdict = await this.#commit(now, now.conversation);
        if (verdict === "accepted") return;
        await this.#readLog(now.conversation);
        await this.#refreshRemovals(now.conversation);
      }
    });
  }

  async #commit(thread: Thread, conversation: string): Promise<Verdict> {
    const loaded = await this.#groups.load(thread.thread);
    if (loaded === undefined) return "none";
    const devices = this.#removals.get(conversation) ?? [];
    const remove = loaded.group.members().filter(({ certificate }) =>
      devices.includes(toBase64url(certificate.deviceKey))
    ).map(({ leafIndex }) => leafIndex);
    const built = await loaded.group.commit({ remove, now: this.#core.clock.now() });
    if (built.kind === "refused") throw new AppError("internal", { text: built.detail });
    const pending = pendingOf(built, { change: { kind: "commit" }, conversation });
    const version = { ...thread, version: loaded.version };
    return await this.#propose(version, pending);
  }

  async #refreshRemovals(conversation: string): Promise<void> {
    const { message } = await this.#core.server.request({
      type: "conversation.info",
      conversation,
    });
    this.#removals.set(conversation, message.removals);
  }

  /** Stores a change, unless the thread has moved on meanwhile, and asks for the verdict. */
  async #propose(thread: Thread, pending: Pending): Promise<Verdict> {
    const { conversation } = pending;
    const stored = this.#set(thread, { conversation, pending: encodePending(pending) });
    return stored ? await this.resolve(thread.thread) : "lost";
  }

  /** Sends the pending change (again) and applies the verdict. Rejects when there was none: it stays pending. */
  resolve(thread: number): Promise<Verdict> {
    return this.#core.locks.run(`resolve:${thread}`, async () => {
      const stored = this.#core.threads.pending(thread);
      if (stored === undefined) return "none";
      const pending = decodePending(stored);
      try {
        const { seq } = await this.#submit(pending);
        this.#accepted(thread, pending, seq);
        return "accepted";
      } catch (thrown) {
        if (!(thrown instanceof RefusedError) || isTemporary(thrown)) throw thrown;
        this.#refused(thread, pending, thrown);
        return "lost";
      }
    });
  }

  async #submit(pending: Pending): Promise<{ seq: number }> {
    const { change, conversation, hash, commit, welcome, groupInfo, add, epoch } = pending;
    const body = [commit, welcome, groupInfo];
    const lengths: [number, number, number] = [commit.length, welcome.length, groupInfo.length];
    const common = {
      conversation,
      hash,
      parts: lengths,
      body: commit.length + welcome.length + groupInfo.length,
    };
    const { own, server } = this.#core;
    if (change.kind === "create") {
      const roster = [{ account: own.account, device: own.device }, ...add];
      const request = { type: "conversation.create", kind: "direct", ...common } as const;
      return (await server.request({ ...request, with: change.with, roster }, body)).message;
    }
    const request = { type: "conversation.commit", ...common } as const;
    const external = change.kind === "external";
    const remove = [...pending.remove];
    return (await server.request({ ...request, epoch, external, add: [...add], remove }, body))
      .message;
  }

  /** The server took it: what it leads to is the state now. */
  #accepted(thread: number, pending: Pending, seq: number): void {
    const { sealed, threads, clock } = this.#core;
    sealed.database.transaction(() => {
      const row = threads.get(thread);
      const stored = threads.pending(thread);
      if (!row || !stored || decodePending(stored).hash !== pending.hash) return;
      const inside = pending.change.kind === "commit";
      const cursor = !inside || row.cursor === seq - 1 ? seq : row.cursor;
      threads.compareAndSet(thread, row.version, {
        state: pending.next,
        epoch: pending.epoch + 1,
        pending: null,
        cursor,
        sentSinceCommit: 0,
        committedAt: clock.now(),
      });
      if (pending.change.kind === "external" && row.cursor > 0 && seq > row.cursor + 1) {
        this.#noteGap(row, seq);
      }
    });
    if (pending.change.kind === "commit") this.#removals.delete(pending.conversation);
    this.#core.changed();
  }

  /** Rows between the old cursor and the joining are lost to this device; that is said, not passed over. */
  #noteGap(thread: Thread, seq: number): void {
    const now = this.#core.clock.now();
    this.#core.messages.add({
      thread: thread.thread,
      id: randomId(),
      seq,
      own: false,
      unreadable: true,
      unread: true,
      state: "received",
      ts: now,
      sentAt: now,
      content: {
        from: thread.title,
        text: "messages may be missing here: this device had to join the conversation again; " +
          "from now on everything can be read",
      },
    });
  }

  #refused(thread: number, pending: Pending, error: RefusedError): void {
    const { sealed, threads, logger } = this.#core;
    logger.log("info", "change_refused", { code: error.code, kind: pending.change.kind });
    sealed.database.transaction(() => {
      const row = threads.get(thread);
      const stored = threads.pending(thread);
      if (!row || !stored || decodePending(stored).hash !== pending.hash) return;
      const gone = pending.change.kind === "create" ? { conversation: null } : {};
      threads.compareAndSet(thread, row.version, { pending: null, ...gone });
    });
  }

  #checkMembers(
    thread: Thread,
    expected: { group: MlsGroup; conversation: string; keys: readonly AccountKeys[] },
  ): void {
    const misfit = this.#groups.misfit(expected.group, expected);
    if (misfit !== undefined) throw this.#distrust(thread, misfit);
  }

  /** The members as the server declares them must be those of the group, this device aside. */
  #checkRoster(
    thread: Thread,
    group: MlsGroup,
    roster: readonly { readonly device: string }[],
  ): void {
    const others = (devices: string[]) =>
      devices.filter((device) => device !== this.#core.own.device).sort().join();
    if (others(devicesOf(group)) === others(roster.map(({ device }) => device))) return;
    throw this.#distrust(thread, "its members are not those that the server declares");
  }

  #distrust(thread: Thread, detail: string): AppError {
    const text = `the conversation with ${thread.title} cannot be trusted: ${detail}`;
    this.#core.warn(text);
    return new AppError("tampered", { text });
  }

  #set(thread: Thread, change: Parameters<Core["threads"]["compareAndSet"]>[2]): boolean {
    return this.#core.sealed.database.transaction(() =>
      this.#core.threads.compareAndSet(thread.thread, thread.version, change)
    );
  }

  #get(thread: number): Thread {
    const row = this.#core.threads.get(thread);
    if (row === undefined) throw new AppError("not_found", { fault: "us" });
    return row;
  }
}

/** Whether a listed conversation is the one between the two accounts (twice the same for notes to oneself). */
export function isWith(listed: Listed, own: string, partner: string | undefined): boolean {
  const accounts = new Set(listed.members.map(({ account }) => account));
  const expected = new Set([own, partner ?? own]);
  return accounts.size === expected.size && [...expected].every((one) => accounts.has(one));
}

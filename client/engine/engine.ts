/** The engine: connection, conversations, lobby and store put together behind the interface that users of it see. */
import { backoffMs } from "../../lib/base/backoff.ts";
import type { CancelTimer } from "../../lib/base/clock.ts";
import { reach } from "../../lib/base/crashpoint.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { timeOrderedId } from "../../lib/base/ids.ts";
import { clientLimits, connectionLimits, textLimits } from "../../lib/base/limits.ts";
import { KeyedMutex } from "../../lib/base/mutex.ts";
import { utf8 } from "../../lib/base/bytes.ts";
import { isAccountName } from "../../lib/crypto/names.ts";
import type { ArrivedEvent } from "../../lib/wire/client_requests.ts";
import type { MlsIdentity } from "../../lib/mls/mod.ts";
import type { SealedDatabase } from "../store/sealed.ts";
import { Messages } from "../store/messages.ts";
import { Outbox } from "../store/outbox.ts";
import { lobbyName, Threads } from "../store/threads.ts";
import type {
  ChatMessage,
  ConnectionState,
  Engine,
  EngineEvent,
  HistoryQuery,
  SelfInfo,
  Target,
} from "./api.ts";
import { Keeper, type Welcome } from "./connection.ts";
import { Conversations } from "./conversations.ts";
import type { Core } from "./core.ts";
import { liveEvent } from "./events.ts";
import { Feed } from "./feed.ts";
import { Groups } from "./groups.ts";
import { Inbox } from "./inbox.ts";
import { Lobby } from "./lobby.ts";
import { Marks } from "./marks.ts";
import { Sending } from "./outbox.ts";
import { Reading } from "./reading.ts";
import { receiptSource } from "./receipts.ts";
import { Sync } from "./sync.ts";
import type { AccountServices, MakeEngine, UnlockedAccount } from "./unlocked.ts";

/** How far a state is; a failed message is as far as it will get. */
const progress = { queued: 0, received: 0, sent: 1, delivered: 2, read: 3, failed: 9 } as const;

/** An engine over an unlocked account. Nothing happens before `start`, except that messages can be queued. */
export const makeEngine: MakeEngine = (account) => engineOf(account);

/** What an engine takes of an unlocked account. */
export type EngineParts = Omit<UnlockedAccount, "profile"> & {
  readonly profile:
    & SealedDatabase
    & Pick<UnlockedAccount["profile"], "instance" | "close">
    & { readonly identity: MlsIdentity };
};

/** The same for whoever has only the parts. */
export function engineOf(parts: EngineParts): Engine {
  return new ProfileEngine(parts);
}

class ProfileEngine implements Engine {
  readonly self: SelfInfo;
  readonly #unlocked: EngineParts;
  readonly #core: Core;
  readonly #keeper: Keeper;
  readonly #account: AccountServices;
  readonly #feed: Feed;
  readonly #reading: Reading;
  readonly #marks: Marks;
  readonly #lobby: Lobby;
  readonly #inbox: Inbox;
  readonly #sending: Sending;
  readonly #sync: Sync;
  readonly #conversations: Conversations;
  #receive = false;
  #session: AbortSignal | undefined;
  /** How often in a row the inbox stalled, and the timer of the next try. */
  #stalls = 0;
  #again: CancelTimer | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: EngineParts) {
    this.self = parts.self;
    this.#unlocked = parts;
    const { clock } = parts;
    this.#keeper = new Keeper({
      open: parts.open,
      instance: parts.profile.instance,
      clock,
      ...(parts.explain === undefined ? {} : { explain: parts.explain }),
      onReady: (welcome, signal) => void this.#ready(welcome, signal),
      onEvent: (event) => this.#event(event),
      onRequest: () => this.#inbox.relieve(),
      onState: (state) => this.#feed.emit({ kind: "connection", state }),
    });
    const warn = (text: string) => this.#feed.emit({ kind: "warning", text });
    this.#account = parts.services({ server: this.#keeper, warn });
    this.#core = this.#makeCore(parts, warn);
    this.#feed = new Feed(this.#core, { onForeign: () => this.#sending.kickAll() });
    this.#reading = new Reading(this.#core);
    this.#marks = new Marks(this.#core);
    this.#lobby = new Lobby(this.#core);
    const readLog = (conversation: string) => this.#inbox.readLog(conversation);
    const online = () => this.#keeper.online;
    const groups = new Groups(this.#core);
    const conversations = new Conversations(this.#core, groups, { readLog });
    this.#conversations = conversations;
    this.#sync = new Sync(this.#core, {
      conversations,
      marks: this.#marks,
      lobby: this.#lobby,
      readLog,
      confirm: (thread) => this.#sending.confirm(thread),
    });
    this.#inbox = new Inbox(this.#core, {
      groups,
      busy: () => this.#keeper.busy,
      services: {
        resolve: (thread) => conversations.resolve(thread),
        rejoin: (thread, epoch) =>
          this.#sync.inBackground(() => conversations.rejoin(thread, epoch)),
        renew: (thread) => this.#sync.inBackground(() => conversations.renew(thread)),
        failed: (thrown) => this.#stalled(asAppError(thrown)),
      },
    });
    this.#sending = new Sending(this.#core, {
      groups,
      conversations,
      lobby: this.#lobby,
      online,
      readLog,
    });
  }

  #makeCore(parts: EngineParts, warn: (text: string) => void): Core {
    const { profile, self, clock, logger } = parts;
    const { device, certificate } = profile.identity;
    let mls: Promise<typeof import("../../lib/mls/mod.ts")> | undefined;
    return {
      clock,
      logger,
      warn,
      random: Math.random,
      own: {
        name: self.name,
        account: self.account,
        device: self.device,
        identity: { device, certificate },
      },
      sealed: profile,
      threads: new Threads(profile),
      messages: new Messages(profile),
      outbox: new Outbox(profile),
      keyPackages: this.#account.keyPackages,
      people: this.#account.people,
      server: this.#keeper,
      locks: new KeyedMutex(),
      mls: () => mls ??= import("../../lib/mls/mod.ts"),
      changed: () => this.#feed.changed(),
    };
  }

  // --- connection

  connection(): ConnectionState {
    return this.#keeper.state;
  }

  async start(
    options: { receive: boolean; keepTrying: boolean; signal?: AbortSignal },
  ): Promise<void> {
    this.#receive = options.receive;
    options.signal?.addEventListener("abort", () => void this.stop({ drainMs: 0 }), { once: true });
    // Whatever comes next needs it; loading goes on while the connection is made.
    if (options.receive || this.#core.outbox.count() > 0) {
      this.#core.mls().catch(() => undefined);
    }
    this.#feed.watch();
    await this.#keeper.start(options);
  }

  caughtUp(signal?: AbortSignal): Promise<void> {
    return this.#sync.caughtUp(signal);
  }

  async #ready(welcome: Welcome, signal: AbortSignal): Promise<void> {
    this.#sending.newSession();
    this.#inbox.resume();
    this.#sending.kickAll();
    const account = this.#account.tend(welcome, signal);
    const sync = this.#receive ? this.#catchUp(signal) : Promise.resolve();
    for (const result of await Promise.allSettled([account, sync])) {
      if (result.status === "fulfilled" || signal.aborted) continue;
      const { code, message } = asAppError(result.reason);
      this.#core.logger.log("warning", "session_work_failed", { code, message });
    }
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    this.#session = signal;
    const live = () => this.#keeper.notify({ type: "session.receive", receive: true });
    await this.#sync.run({ signal, live });
    if (signal.aborted) return;
    this.#feed.flush();
    this.#feed.live = true;
    this.#feed.emit({ kind: "caught_up" });
    if (!this.#inbox.isStalled) this.#stalls = 0;
  }

  /** Rows of a conversation could not be stored: everything is taken in anew after a pause. */
  #stalled(error: AppError): void {
    const { clock, logger, warn } = this.#core;
    logger.log("warning", "inbox_stalled", { code: error.code, message: error.message });
    if (this.#stalls === 0) warn(`messages wait at the server: ${error.message}`);
    const signal = this.#session;
    if (signal === undefined || signal.aborted || this.#again !== undefined) return;
    const { reconnectFirstMs: firstMs, reconnectMaxMs: maxMs } = clientLimits;
    this.#again = clock.after(backoffMs(this.#stalls++, { firstMs, maxMs }), () => {
      this.#again = undefined;
      if (!signal.aborted) this.#sync.inBackground(() => this.#anew(signal));
    });
  }

  async #anew(signal: AbortSignal): Promise<void> {
    this.#keeper.notify({ type: "session.receive", receive: false });
    this.#sending.newSession();
    // Behind the answer to this no live row comes any more.
    await this.#core.server.request({ type: "directory.checkpoint" });
    this.#inbox.resume();
    await this.#catchUp(signal);
  }

  #event(event: ArrivedEvent): void | Promise<void> {
    const { message } = event;
    switch (message.type) {
      case "message":
      case "commit":
      case "welcome":
        return this.#inbox.take({ message, body: event.body });
      case "receipt":
        return this.#marks.receipt(message);
      case "lobby":
        return this.#lobby.take(message);
      default: {
        const told = liveEvent(message, this.self);
        if (told !== undefined) this.#feed.emit(told);
      }
    }
  }

  subscribe(listener: (event: EngineEvent) => void, options?: { after?: number }): () => void {
    return this.#feed.subscribe(listener, options);
  }

  // --- messages

  // deno-lint-ignore require-await -- refusals reject
  async send(target: Target, text: string): Promise<ChatMessage> {
    checkText(target, text);
    if (target.kind === "direct") this.#account.checkSendable(target.name);
    const { sealed, threads, messages, outbox, clock } = this.#core;
    const now = clock.now();
    const id = timeOrderedId(now);
    const name = target.kind === "lobby" ? lobbyName : target.name;
    const local = sealed.database.transaction(() => {
      const { thread } = threads.obtain(name);
      const content = { from: this.self.name, text };
      const local = messages.add({
        thread,
        id,
        own: true,
        unread: false,
        state: "queued",
        ts: now,
        sentAt: now,
        content,
      });
      if (local === undefined) throw new AppError("internal", { fault: "us" });
      outbox.add(local, thread);
      return local;
    });
    reach("client:queued");
    if (target.kind === "direct") this.#core.mls().catch(() => undefined);
    const stored = this.#reading.stored(local);
    this.#core.changed();
    this.#sending.kick(stored.thread);
    return this.#reading.shown(stored);
  }

  // deno-lint-ignore require-await -- refusals reject
  async retry(id: string): Promise<void> {
    const { sealed, messages, outbox } = this.#core;
    const message = messages.byId(id);
    if (message === undefined) throw new AppError("not_found", { text: "no such message" });
    if (message.state !== "failed") return;
    sealed.database.transaction(() => {
      messages.queued(message.local);
      outbox.add(message.local, message.thread);
    });
    this.#core.changed();
    this.#sending.kick(message.thread);
  }

  waitFor(
    id: string,
    state: "sent" | "delivered" | "read",
    signal?: AbortSignal,
  ): Promise<ChatMessage> {
    const found = () => {
      const message = this.#core.messages.byId(id);
      if (message === undefined) throw new AppError("not_found", { text: "no such message" });
      return progress[message.state] >= progress[state] ? this.#reading.shown(message) : undefined;
    };
    return this.#feed.until(found, signal);
  }

  async rekey(target: Target): Promise<void> {
    if (target.kind === "lobby") throw new AppError("not_found", { text: "#lobby has no keys" });
    this.#account.checkSendable(target.name);
    const { sealed, threads } = this.#core;
    const { thread } = sealed.database.transaction(() => threads.obtain(target.name));
    await this.#conversations.renew(thread);
  }

  conversations: Engine["conversations"] = () => this.#reading.conversations();
  history: Engine["history"] = (query) => this.#reading.history(query);
  unread: Engine["unread"] = (target) => this.#reading.unread(target);

  async markRead(message: ChatMessage): Promise<void> {
    await this.#marks.markRead(this.#reading.stored(message.local));
  }

  // --- the account

  exists: Engine["exists"] = (name) => this.#account.exists(name);
  users: Engine["users"] = (scope) => this.#account.users(scope);
  notifications: Engine["notifications"] = (options) => this.#account.notifications(options);
  notificationsSeen: Engine["notificationsSeen"] = (through) =>
    this.#account.notificationsSeen(through);
  key: Engine["key"] = (name) => this.#account.key(name);
  setVerified: Engine["setVerified"] = (name, verified) =>
    this.#account.setVerified(name, verified);
  changePassword: Engine["changePassword"] = (current, next) =>
    this.#account.changePassword(current, next);

  async exportSigned(query: HistoryQuery): Promise<readonly string[]> {
    const receipts: string[] = [];
    for (const { local } of await this.history(query)) {
      const stored = this.#reading.stored(local);
      const source = receiptSource(stored, this.#core.threads.get(stored.thread));
      if (source !== undefined) receipts.push(await this.#account.receipt(source));
    }
    return receipts;
  }

  /** Whoever revokes also takes the device out of every conversation, so that nobody has to wait for it. */
  async revokeDevice(device: string): Promise<void> {
    await this.#account.revokeDevice(device);
    await this.#sync.removeRevoked();
  }

  // --- the end

  stop(options: { drainMs?: number } = {}): Promise<void> {
    return this.#stopped ??= this.#stop(options.drainMs ?? connectionLimits.drainMs);
  }

  async #stop(drainMs: number): Promise<void> {
    this.#again?.();
    if (drainMs > 0 && this.#keeper.online) await this.#drain(drainMs);
    await this.#keeper.stop();
    await this.#sending.stop();
    await this.#inbox.allSettled();
    await this.#lobby.settled();
    await this.#sync.stop();
    this.#feed.stop();
    this.#unlocked.profile.close();
  }

  async #drain(ms: number): Promise<void> {
    const late = AbortSignal.timeout(ms);
    const empty = () => this.#core.outbox.count() === 0 || !this.#keeper.online || undefined;
    await this.#feed.until(empty, late).catch(() => undefined);
    await this.#inbox.allSettled();
  }
}

function checkText(target: Target, text: string): void {
  const most = target.kind === "lobby" ? textLimits.lobbyTextBytes : textLimits.textBytes;
  if (target.kind === "direct" && !isAccountName(target.name)) throw new AppError("invalid_name");
  if (text === "") throw new AppError("malformed", { text: "there is nothing to send" });
  if (utf8(text).length > most) {
    throw new AppError("too_large", { text: `a message here has at most ${most / 1024} KiB` });
  }
}

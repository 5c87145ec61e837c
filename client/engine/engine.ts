/** The engine: connection, conversations, lobby and store put together behind the interface that users of it see. */
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { connectionLimits } from "../../lib/base/limits.ts";
import { KeyedMutex } from "../../lib/base/mutex.ts";
import type { ArrivedEvent } from "../../lib/wire/client_requests.ts";
import type {
  ConnectionState,
  Engine,
  EngineEvent,
  HistoryQuery,
  SelfInfo,
  Target,
  Warn,
} from "./api.ts";
import type { ContentActions } from "./api_content.ts";
import { Actions } from "./content/actions.ts";
import { ProfileDesk } from "./desk.ts";
import type { DirectoryDesk } from "./api_directory.ts";
import { CheckpointExchange } from "./checkpoints.ts";
import { Expiring } from "./content/expiring.ts";
import { Archive } from "./archive/archive.ts";
import { Keeper } from "./connection.ts";
import { Conversations } from "./conversations.ts";
import type { Core } from "./core.ts";
import { Devices } from "./devices.ts";
import { Feed } from "./feed.ts";
import { Files } from "./files/files.ts";
import { GroupActions } from "./group_actions.ts";
import { GroupAsks } from "./group_asks.ts";
import { GroupWatch } from "./group_watch.ts";
import { Groups } from "./groups.ts";
import { Inbox } from "./inbox.ts";
import { Links } from "./links.ts";
import { Lobby } from "./lobby.ts";
import { Marks } from "./marks.ts";
import { Sending } from "./outbox.ts";
import { Posting } from "./posting.ts";
import { Reading } from "./reading.ts";
import { receiptSources } from "./receipts.ts";
import { Requests } from "./requests.ts";
import { routing } from "./routing.ts";
import { Sessions } from "./sessions.ts";
import { Disputes } from "./repair/disputes.ts";
import { Resends } from "./resend/resends.ts";
import { Returns } from "./returns.ts";
import { Sync } from "./sync.ts";
import { type EngineParts, storesOf } from "./parts.ts";
import type { AccountServices, MakeEngine } from "./unlocked.ts";

/** An engine over an unlocked account. Nothing happens before `start`, except that messages can be queued. */
export const makeEngine: MakeEngine = (account) => engineOf(account);

/** The same for whoever has only the parts. */
export function engineOf(parts: EngineParts): Engine {
  return new ProfileEngine(parts);
}

class ProfileEngine implements Engine {
  readonly self: SelfInfo;
  readonly content: ContentActions;
  readonly files: Files;
  readonly directory: DirectoryDesk;
  readonly archive: Archive;
  readonly devices: Devices;
  readonly desk: ProfileDesk;
  readonly #unlocked: EngineParts;
  readonly #core: Core;
  readonly #keeper: Keeper;
  readonly #account: AccountServices;
  readonly #feed: Feed;
  readonly #expiring: Expiring;
  readonly #reading: Reading;
  readonly #marks: Marks;
  readonly #lobby: Lobby;
  readonly #inbox: Inbox;
  readonly #sending: Sending;
  readonly #sync: Sync;
  readonly #disputes: Disputes;
  readonly #resends: Resends;
  readonly #conversations: Conversations;
  readonly #posting: Posting;
  readonly #checkpoints: CheckpointExchange;
  readonly groups: GroupActions;
  readonly requests: Requests;
  readonly #watch: GroupWatch;
  readonly #sessions: Sessions;
  readonly #route: (event: ArrivedEvent) => void | Promise<void>;
  #receive = false;
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
      onReady: (welcome, signal) => {
        void this.#sessions.ready(welcome, { signal, receive: this.#receive });
        void this.files.tellDone();
        this.#checkpoints.compareSoon();
      },
      onEvent: (event) => this.#route(event),
      onRequest: () => this.#inbox.relieve(),
      onState: (state) => this.#feed.emit({ kind: "connection", state }),
    });
    const warn: Warn = (text, facts) => this.#feed.emit({ kind: "warning", text, ...facts });
    this.#account = parts.services({ server: this.#keeper, warn });
    this.directory = this.#account.directory;
    this.#resends = new Resends({
      core: () => this.#core,
      online: () => this.#keeper.online,
      inBackground: (work) => this.#sync.inBackground(work),
    });
    this.#core = this.#makeCore(parts, warn);
    this.#expiring = new Expiring(this.#core);
    this.#feed = new Feed(this.#core, { onForeign: () => this.#foreign() });
    this.#reading = new Reading(this.#core);
    const [reading, feed, account] = [this.#reading, this.#feed, this.#account];
    this.desk = new ProfileDesk(this.#core, this.#reading);
    const { archiveKey } = parts.profile.identity;
    const arrived = () => this.#sync.inBackground(() => this.#sync.restored());
    const archiving = { archiveKey, keeper: this.#keeper, reading, feed, arrived };
    this.archive = new Archive(this.#core, archiving);
    const revoke = (device: string) => this.revokeDevice(device);
    this.devices = new Devices({ server: this.#keeper, self: this.self, account, revoke });
    this.#marks = new Marks(this.#core);
    this.#lobby = new Lobby(this.#core);
    const readLog = (conversation: string) => this.#sync.readLog(conversation);
    const online = () => this.#keeper.online;
    const groups = new Groups(this.#core);
    const conversations = new Conversations(this.#core, groups, { readLog });
    this.#conversations = conversations;
    this.requests = new Requests(this.#core, conversations);
    this.#watch = new GroupWatch(this.#core, {
      groups,
      conversations,
      requests: this.requests,
      inBackground: (work) => this.#sync.inBackground(work),
      catchUp: (conversation) => this.#sync.catchUpOne(conversation),
    });
    this.groups = new GroupActions(this.#core, {
      groups,
      conversations,
      sent: (id, signal) => this.content.settled(id, signal),
    });
    this.#disputes = new Disputes(this.#core, { conversations, readLog });
    this.#sync = new Sync(this.#core, {
      conversations,
      watch: this.#watch,
      disputes: this.#disputes,
      marks: this.#marks,
      lobby: this.#lobby,
      readLog: (conversation) => this.#inbox.readLog(conversation),
      expect: (conversation, head) => this.#inbox.expect(conversation, head),
      confirm: (thread) => this.#sending.confirm(thread),
    });
    this.#inbox = new Inbox(this.#core, {
      groups,
      busy: () => this.#keeper.busy,
      services: {
        resolve: (thread) => conversations.resolve(thread),
        kindOf: (conversation) => conversations.kindOf(conversation),
        rejoin: (thread, epoch) =>
          this.#sync.inBackground(() => conversations.rejoin(thread, epoch)),
        relist: () => this.#sync.inBackground(() => this.#sync.relist()),
        renew: (thread) => this.#sync.inBackground(() => conversations.renew(thread)),
        dispute: (thread) => this.#sync.inBackground(() => this.#disputes.settle(thread)),
        replan: (...of) => this.#sync.inBackground(() => this.#disputes.replan(...of)),
        readFurther: (thread) => this.#sync.inBackground(() => this.#marks.tellOf(thread)),
        failed: (thrown) => this.#sessions.stalled(asAppError(thrown)),
      },
    });
    this.#sending = new Sending(this.#core, {
      groups,
      conversations,
      lobby: this.#lobby,
      online,
      readLog,
    });
    this.#checkpoints = new CheckpointExchange(this.#core, this.#account.log);
    this.#posting = new Posting(this.#core, {
      accompany: (thread) => this.#checkpoints.accompany(thread),
      reading: this.#reading,
      feed: this.#feed,
      sending: this.#sending,
      checkSendable: (name) => this.#account.checkSendable(name),
    });
    this.files = new Files(this.#core, {
      reading: this.#reading,
      conversations,
      checkSendable: (name) => this.#account.checkSendable(name),
    });
    this.content = new Actions(this.#core, {
      reading: this.#reading,
      feed: this.#feed,
      posting: this.#posting,
      checkSendable: (name) => this.#account.checkSendable(name),
    });
    this.#sessions = new Sessions(this.#core, {
      keeper: this.#keeper,
      account: this.#account,
      feed: this.#feed,
      inbox: this.#inbox,
      sending: this.#sending,
      sync: this.#sync,
      archive: this.archive,
    });
    this.#route = routing(this.#core, {
      self: this.self,
      inbox: this.#inbox,
      marks: this.#marks,
      watch: this.#watch,
      lobby: this.#lobby,
      archive: this.archive,
      feed: this.#feed,
      sending: this.#sending,
      sync: this.#sync,
    });
    this.#expiring.look();
  }

  /** Another process on this profile has changed the store. */
  #foreign(): void {
    this.#sending.kickAll();
    this.#expiring.look();
  }

  #makeCore(parts: EngineParts, warn: (text: string) => void): Core {
    const { profile, self, clock, logger } = parts;
    const { device, certificate } = profile.identity;
    let mls: Promise<typeof import("../../lib/mls/mod.ts")> | undefined;
    return {
      clock,
      logger,
      warn,
      random: parts.random ?? Math.random,
      own: {
        name: self.name,
        account: self.account,
        device: self.device,
        identity: { device, certificate },
      },
      ...storesOf(profile),
      resends: this.#resends,
      keyPackages: this.#account.keyPackages,
      people: this.#account.people,
      server: this.#keeper,
      locks: new KeyedMutex(),
      checkpoints: {
        hear: (heard) => this.#checkpoints.hear(heard),
        compareSoon: () => this.#checkpoints.compareSoon(),
      },
      links: new Links(),
      returns: new Returns(),
      asks: new GroupAsks({
        clock,
        random: Math.random,
        answer: (thread) => this.groups.tellName(thread),
      }),
      mls: () => mls ??= import("../../lib/mls/mod.ts"),
      kick: (thread) => this.#sending.kick(thread),
      changed: () => {
        this.#feed.changed();
        this.#expiring.look();
        this.archive.changed();
      },
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
    const { sealed, messages, clock } = this.#core;
    sealed.database.transaction(() => messages.forgetSilent(clock.now()));
    this.#disputes.sweep();
    await this.#keeper.start(options);
  }

  caughtUp(signal?: AbortSignal): Promise<void> {
    return this.#sync.caughtUp(signal);
  }

  subscribe(listener: (event: EngineEvent) => void, options?: { after?: number }): () => void {
    return this.#feed.subscribe(listener, options);
  }

  // --- messages

  // deno-lint-ignore require-await -- refusals reject
  send: Engine["send"] = async (target, text) => this.#posting.send(target, text);
  // deno-lint-ignore require-await -- refusals reject
  retry: Engine["retry"] = async (id) => this.#posting.retry(id);
  waitFor: Engine["waitFor"] = (...wanted) => this.#posting.waitFor(...wanted);

  async rekey(target: Target): Promise<void> {
    if (target.kind === "lobby") throw new AppError("not_found", { text: "#lobby has no keys" });
    if (target.kind === "direct") this.#account.checkSendable(target.name);
    const { thread } = this.#core.sealed.database.transaction(() =>
      this.#reading.threadFor(target)
    );
    await this.#conversations.renew(thread);
  }

  newest: Engine["newest"] = () => this.#core.messages.lastLocal();
  conversations: Engine["conversations"] = () => this.#reading.conversations();
  history: Engine["history"] = (query) => this.#reading.history(query);
  unread: Engine["unread"] = (target) => this.#reading.unread(target);

  markRead: Engine["markRead"] = async ({ local }) =>
    await this.#marks.markRead(this.#reading.stored(local));

  // --- the account

  exists: Engine["exists"] = (name) => this.#account.exists(name);
  users: Engine["users"] = (scope) => this.#account.users(scope);
  notifications: Engine["notifications"] = (options) => this.#account.notifications(options);
  notificationsSeen: Engine["notificationsSeen"] = (through) =>
    this.#account.notificationsSeen(through);
  key: Engine["key"] = (name) => this.#account.key(name);
  setVerified: Engine["setVerified"] = async (name, verified) => {
    await this.#account.setVerified(name, verified);
    this.archive.changed();
  };
  isPassword: Engine["isPassword"] = (password) => this.#account.isPassword(password);
  changePassword: Engine["changePassword"] = (current, next) =>
    this.#account.changePassword(current, next);

  async exportSigned(query: HistoryQuery): Promise<readonly string[]> {
    const stored = (await this.history(query)).map(({ local }) => this.#reading.stored(local));
    const receipts: string[] = [];
    for (const source of receiptSources(stored, this.#core.threads)) {
      receipts.push(await this.#account.receipt(source));
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
    this.#sessions.stop();
    this.#watch.stop();
    this.#core.asks.stop();
    const until = this.#core.clock.monotonic() + drainMs;
    if (drainMs > 0 && this.#keeper.online) await this.#drain(drainMs);
    const files = this.files.stop();
    await this.archive.stop(until - this.#core.clock.monotonic());
    await this.#keeper.stop();
    this.#marks.stop();
    await files;
    await this.#sending.stop();
    await this.#inbox.allSettled();
    await this.#lobby.settled();
    this.#disputes.stop();
    this.#resends.stop();
    await this.#sync.stop();
    await this.#checkpoints.settled();
    this.#expiring.stop();
    await this.archive.ended();
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

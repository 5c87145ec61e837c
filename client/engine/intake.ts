/** One batch of rows of one conversation: worked through in memory, then stored at once or begun anew. */
import { toBase64url } from "../../lib/base/bytes.ts";
import { reach } from "../../lib/base/crashpoint.ts";
import { AppError } from "../../lib/base/errors.ts";
import type { ReceivedCommit, ReceivedMessage, Refused } from "../../lib/mls/mod.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import type { Thread } from "../store/threads.ts";
import { tellNewcomers } from "./archive/witness.ts";
import { assignThread } from "./assign.ts";
import { type Effect, follow } from "./content/facts.ts";
import { openSealedContent } from "./content/sealed.ts";
import { takeContent } from "./content/take.ts";
import { type Draft, newDraft } from "./draft.ts";
import { applyProgress } from "./marks.ts";
import type { Core } from "./core.ts";
import { DeviceWarnings } from "./device_warnings.ts";
import {
  accountsIn,
  applyGroupCommit,
  applyGroupWelcome,
  endLeaving,
  factsOf,
  noteCommit,
  noteContent,
} from "./group_intake.ts";
import type { Groups } from "./groups.ts";
import type { IntakeServices } from "./intake_services.ts";
import { welcomeMisfit } from "./intake_checks.ts";
import { wrongSender } from "./wrong_sender.ts";
import { noteUnreadable, refusedMessage } from "./unreadable.ts";
import { storeRepair } from "./repair/store.ts";
import { originalTime } from "./repair/original_time.ts";
import { beginAnew, beginDispute, isDisputed, noteBefore, takeRepair } from "./repair/take.ts";
import { isIn } from "./group_names.ts";

/** A row of a conversation's log. */
export type LogEvent = Arrived<"message" | "commit" | "welcome" | "rollback" | "recreated">;

/** The batch has to be begun anew: what it was built on has changed. */
class Anew extends Error {}

/** How often a batch is begun anew before giving up. */
const attempts = 10;

/** Works through batches. */
export class Intake {
  readonly #core: Core;
  readonly #groups: Groups;
  readonly #services: IntakeServices;
  readonly #devices: DeviceWarnings;

  constructor(core: Core, groups: Groups, services: IntakeServices) {
    this.#core = core;
    this.#groups = groups;
    this.#services = services;
    this.#devices = new DeviceWarnings(core);
  }

  get #surroundings() {
    return { core: this.#core, groups: this.#groups };
  }

  /** Stores everything of the batch that is not stored yet. Rejects when it could not, and nothing is stored then. */
  async take(conversation: string, batch: readonly LogEvent[]): Promise<void> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      try {
        return await this.#attempt(conversation, batch);
      } catch (thrown) {
        if (!(thrown instanceof Anew)) throw thrown;
      }
    }
    throw new AppError("internal", { fault: "us", text: "a batch was begun anew too often" });
  }

  async #attempt(conversation: string, batch: readonly LogEvent[]): Promise<void> {
    const draft = await this.#begin(conversation, batch);
    for (const event of batch) {
      if (event.message.seq <= draft.cursor) continue;
      await this.#row(draft, event);
      draft.cursor = event.message.seq;
      draft.changed = true;
    }
    if (!draft.changed) return;
    reach("client:decrypted");
    const effects = this.#store(draft);
    reach("client:stored");
    this.#after(draft, effects);
  }

  async #begin(conversation: string, batch: readonly LogEvent[]): Promise<Draft> {
    const known = this.#core.threads.byConversation(conversation);
    const thread = known ?? await this.#assigned(conversation, batch);
    const loaded = await this.#groups.load(thread.thread);
    // The state that was loaded decides, not a row read before it.
    const now = this.#core.threads.get(thread.thread);
    // Another process may have joined, or left, between the two.
    if (now === undefined || now.joined !== (loaded !== undefined)) throw new Anew();
    if (loaded !== undefined && loaded.version !== now.version) throw new Anew();
    return newDraft(now, loaded?.group);
  }

  async #assigned(conversation: string, batch: readonly LogEvent[]): Promise<Thread> {
    const thread = await assignThread(this.#core, {
      conversation,
      messages: batch.map(({ message }) => message),
      resolve: (thread) => this.#services.resolve(thread),
      kindOf: (conversation) => this.#services.kindOf(conversation),
    });
    if (thread === undefined) throw new Anew();
    return thread;
  }

  async #row(draft: Draft, event: LogEvent): Promise<void> {
    const { message } = event;
    if (message.type === "welcome") {
      return await this.#welcome(draft, event as Arrived<"welcome">);
    }
    if (message.type === "rollback" || message.type === "recreated") {
      if (draft.thread.hasPending) await this.#settlePending(draft);
      return await takeRepair(this.#surroundings, draft, message);
    }
    if (message.device === this.#core.own.device) return await this.#ownRow(draft, event);
    // Its time was over before this device came for it.
    if (message.type === "message" && event.body.length === 0) return;
    if (draft.group === undefined) return await this.#withoutGroup(draft, event);
    if (message.type === "commit") return await this.#commit(draft, event as Arrived<"commit">);
    return await this.#message(draft, event as Arrived<"message">);
  }

  /** Rows of this device are not sent to it; should one come, it only tells the sequence. */
  async #ownRow(draft: Draft, { message }: LogEvent): Promise<void> {
    if (message.type === "message") {
      draft.own.push({ id: message.message, seq: message.seq, ts: message.ts });
    } else if (draft.thread.hasPending) {
      return await this.#settlePending(draft);
    }
  }

  async #withoutGroup(draft: Draft, event: LogEvent): Promise<void> {
    if (draft.thread.hasPending) await this.#settlePending(draft);
    const isCommit = event.message.type === "commit";
    if (isCommit && endLeaving(this.#surroundings, draft, event as Arrived<"commit">)) return;
    // Rows of a group that this account has left are none of its business.
    if (draft.thread.kind === "group" && !isIn(factsOf(this.#core, draft))) return;
    draft.rejoin = true;
    if (event.message.type === "message") {
      const { message } = event as Arrived<"message">;
      const cause = "this device was not in it yet";
      noteUnreadable(this.#core, draft, { message, cause, again: true });
    }
  }

  /** The own change may have been accepted without our knowing: its verdict decides what comes next. */
  async #settlePending(draft: Draft): Promise<never> {
    await this.#services.resolve(draft.thread.thread);
    throw new Anew();
  }

  async #message(draft: Draft, event: Arrived<"message">): Promise<void> {
    const { group, thread } = draft;
    if (group === undefined) return;
    const result = await group.process(event.body);
    if (result.kind === "application") {
      draft.group = result.group;
      return await this.#content(draft, event, result);
    }
    if (result.kind !== "refused") return this.#unreadable(draft, event, "not a message");
    if (result.reason === "own_message") return;
    if (result.reason === "future_epoch" && thread.hasPending) await this.#settlePending(draft);
    if (result.reason === "duplicate") {
      const { message } = event.message;
      const known = this.#core.messages.inThread(thread.thread, message) !== undefined ||
        draft.ids.has(message);
      if (known) return;
    }
    if (result.reason === "future_epoch" && !isDisputed(this.#core, draft)) draft.rejoin = true;
    const { message } = event;
    noteUnreadable(this.#core, draft, { message, ...refusedMessage(result) });
  }

  async #content(
    draft: Draft,
    event: Arrived<"message">,
    received: ReceivedMessage,
  ): Promise<void> {
    const { message } = event;
    const { certificate } = received.sender;
    const { people } = this.#core;
    const { thread } = draft;
    const wrong = await wrongSender(this.#groups, { thread, message, certificate });
    if (wrong !== undefined) {
      draft.warnings.push(`a message from ${people.nameOf(certificate)} was refused: ${wrong}`);
      return this.#unreadable(draft, event, wrong);
    }
    const opened = openSealedContent(received.plaintext, {
      conversation: message.conversation,
      message: message.message,
      certificate,
    });
    if (typeof opened === "string") return this.#unreadable(draft, event, opened);
    const own = certificate.accountId === this.#core.own.account;
    const setBackAt = draft.repair.setBackAt ?? thread.setBackAt;
    const said = { ts: message.ts, sentAt: opened.content.sentAt };
    const taken = takeContent(opened, {
      thread: draft.thread.thread,
      id: message.message,
      seq: message.seq,
      ts: originalTime(said, setBackAt),
      own,
      from: {
        account: certificate.accountId,
        name: people.nameOf(certificate),
        device: toBase64url(certificate.deviceKey),
      },
    }, this.#core.clock.now());
    if (taken.kind === "unreadable") return this.#unreadable(draft, event, taken.cause);
    draft.ids.add(message.message);
    draft.entries.push(taken.store);
    noteContent(this.#core, draft, { content: opened.content, account: certificate.accountId });
    draft.fromOwn ||= own;
    draft.silent ||= taken.silent;
  }

  async #commit(draft: Draft, event: Arrived<"commit">): Promise<void> {
    const { message } = event;
    const { group, thread } = draft;
    if (group === undefined) return;
    if (message.epoch < group.epoch) return;
    // A newcomer may have been certified a moment ago; for the others what is known does, once it was looked up.
    const isGroup = thread.kind === "group";
    const accounts = isGroup ? accountsIn(await this.#core.mls(), event) : [];
    // Whom a commit of a group adds stands in the commit itself, whatever the server says.
    if (isGroup ? accounts.length > 0 : message.external || message.add.length > 0) {
      await this.#groups.expect(thread, { fresh: true, accounts });
    } else {
      await this.#groups.known(thread);
    }
    const result = await group.process(event.body);
    if (result.kind === "commit") {
      const wrong = thread.kind === "group"
        ? applyGroupCommit(this.#surroundings, draft, { event, result })
        : this.#applied(draft, event, result);
      if (wrong === undefined) {
        draft.entries.push(tellNewcomers(thread.thread, result.added));
        return noteBefore(draft, group);
      }
      return await this.#refuse(draft, event, { reason: "not_allowed", detail: wrong });
    }
    const reason = result.kind === "refused" ? result.reason : "not_allowed";
    if (reason === "future_epoch" && thread.hasPending) await this.#settlePending(draft);
    const detail = result.kind === "refused" ? result.detail : "a message in place of a commit";
    await this.#refuse(draft, event, { reason, detail });
  }

  async #refuse(
    draft: Draft,
    event: Arrived<"commit">,
    { reason, detail }: Pick<Refused, "reason" | "detail">,
  ): Promise<void> {
    if (endLeaving(this.#surroundings, draft, event)) return;
    const disputed = await beginDispute(this.#core, draft, { event, reason });
    draft.warnings.push(
      `a change of the conversation with ${draft.thread.title} was refused (${detail}); ` +
        (disputed ? "other devices are asked about it" : "this device joins it again"),
    );
    if (disputed) return;
    draft.repair.dispute = "over";
    draft.rejoin = true;
  }

  #applied(draft: Draft, { message }: Arrived<"commit">, result: ReceivedCommit): undefined {
    if (result.selfRemoved) {
      draft.group = undefined;
      draft.rejoin = true;
      return;
    }
    draft.group = result.group;
    noteCommit(this.#groups, draft, { message, result });
    const rejoined = result.removed.some(({ deviceKey }) =>
      toBase64url(deviceKey) === message.device
    );
    // A group's own lines say it of a group.
    if (rejoined || draft.thread.kind === "group") return;
    draft.warnings.push(...this.#devices.of(result, message));
  }

  async #welcome(draft: Draft, event: Arrived<"welcome">): Promise<void> {
    const { message } = event;
    const { thread, repair } = draft;
    const { incarnation = 0 } = message;
    const anew = incarnation > (repair.incarnation ?? thread.incarnation);
    if (draft.group !== undefined && !anew) return;
    if (thread.hasPending) await this.#settlePending(draft);
    const accounts = message.members.map(({ account }) => account);
    const keys = await this.#groups.expect(thread, { fresh: true, accounts });
    const mls = await this.#core.mls();
    const joined = await mls.joinFromWelcome(event.body, {
      ...this.#groups.context(thread.thread),
      privateStates: this.#core.keyPackages.privateStates,
    });
    if (joined.kind === "refused") {
      if (anew && thread.joined) beginAnew(draft, incarnation);
      if (anew) draft.group = undefined;
      this.#core.logger.log("warning", "welcome_refused", { reason: joined.reason });
      if (joined.reason !== "no_key_package") {
        draft.warnings.push(notTrusted(thread, joined.detail));
      }
      draft.rejoin = joined.reason === "no_key_package";
      return;
    }
    const { group } = joined;
    const misfit = welcomeMisfit(this.#groups, { message, draft, group, keys });
    if (misfit !== undefined) {
      draft.warnings.push(notTrusted(thread, misfit));
      return;
    }
    if (anew && thread.cursor > 0) {
      beginAnew(draft, incarnation);
      repair.setBackAt = message.ts;
    }
    draft.repair.incarnation = incarnation;
    draft.group = group;
    draft.foreign ||= keys.some(({ server }) => server !== undefined);
    const { state } = message;
    draft.entries.push(({ threads }) => {
      threads.setRequest(thread.thread, state === "request");
      return [];
    });
    if (thread.kind === "group") applyGroupWelcome(this.#core, draft, { event, keys });
    if (joined.lastResort) draft.renew = true;
    else draft.usedPackages.push(joined.keyPackageRef);
  }

  /** A message that cannot be shown, and could not be if it came again. */
  #unreadable(draft: Draft, { message }: Arrived<"message">, cause: string): void {
    noteUnreadable(this.#core, draft, { message, cause, again: false });
  }

  #store(draft: Draft): readonly Effect[] {
    const { sealed, threads, messages, keyPackages } = this.#core;
    const { thread, group, repair } = draft;
    let version = thread.version;
    const effects: Effect[] = [];
    sealed.database.transaction(() => {
      const set = threads.compareAndSet(thread.thread, thread.version, {
        cursor: draft.cursor,
        state: group?.parts() ?? null,
        ...(group === undefined ? {} : { epoch: group.epoch }),
        ...(repair.incarnation === undefined ? {} : { incarnation: repair.incarnation }),
      });
      if (!set) throw new Anew();
      version += 1;
      storeRepair(this.#core, thread.thread, repair);
      for (const entry of draft.entries) effects.push(...entry(this.#core));
      for (const { id, seq, ts } of draft.own) {
        const known = messages.inThread(thread.thread, id);
        if (known !== undefined) messages.sent(known.local, { seq, ts });
      }
      for (const ref of draft.usedPackages) keyPackages.remove(ref);
      if (draft.fromOwn) applyProgress(this.#core, thread.thread);
      // What makes no line is read with the line before it.
      if (draft.silent && messages.unreadCount(thread.thread) === 0) {
        threads.raiseReadMark(thread.thread, draft.cursor);
      }
    });
    if (group !== undefined) this.#groups.remember(thread.thread, { version, group });
    return effects;
  }

  #after(draft: Draft, effects: readonly Effect[]): void {
    const { thread, group, repair } = draft;
    follow(this.#core, effects);
    if (draft.silent) this.#services.readFurther(thread.thread);
    for (const warning of draft.warnings) this.#core.warn(warning);
    if (draft.rejoin) this.#services.rejoin(thread.thread, group?.epoch ?? thread.epoch);
    else if (draft.renew) this.#services.renew(thread.thread);
    if (draft.foreign) this.#services.relist();
    if (typeof repair.dispute === "object") this.#services.dispute(thread.thread);
    if (repair.replan) this.#services.replan(thread.thread, repair.replan);
    if (draft.lost || repair.dispute === "over") this.#core.resends.look();
    if (repair.deadAfter !== undefined) this.#core.kick(thread.thread);
  }
}

function notTrusted(thread: Thread, detail: string): string {
  return `an invitation to talk with ${thread.title} was refused: ${detail}`;
}

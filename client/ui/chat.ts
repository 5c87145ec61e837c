/** A chat over an engine: what arrives is shown, what is entered is done, until the end. */
import type {
  ChatMessage,
  ConnectionState,
  EngineEvent,
  NotificationInfo,
  Target,
} from "../engine/api.ts";
import type { ConversationFacts } from "../engine/api_desk.ts";
import type { ChatContext, ChatOptions } from "./chat_context.ts";
import type { Entered } from "./dialogue.ts";
import { MessageNumbers } from "./numbers.ts";
import { Transfers } from "./transfers.ts";
import { UnnamedNotices } from "./unnamed.ts";
import { errorText, formatMessage, safe } from "./format.ts";
import { MessageChanges } from "./message_changes.ts";
import { greeting, waitingIn } from "./greeting.ts";
import { FirstHistory } from "./first_history.ts";
import { RequestNews } from "./request_news.ts";
import { chatStatus } from "./chat_status.ts";
import { MessageLines } from "./message_lines.ts";
import { Alerts } from "./alerts.ts";
import { HeldEvents } from "./held_events.ts";
import { ReadMarks } from "./read_marks.ts";
import { Pastes, saysSomething, tooLong, whither } from "./entered.ts";
import { completing } from "./vocabulary.ts";
import { readLine, unknownCommand } from "./slash.ts";
import { addressOf, isUnnamed, sameTarget, targetOf } from "./target.ts";
import { runSlash } from "./slash_actions.ts";

/** Messages from before of which a change is told. */
const knownLines = 300;

/** A script's first line waits at most this long, in ms, for what waited at the server. */
const firstOutcomeMs = 10_000;

type EnteredLine = Extract<Entered, { readonly kind: "line" }>;

/** One running chat. */
export class Chat implements ChatContext {
  readonly options: ChatOptions;
  target: Target = { kind: "lobby" };
  #lastOwn: ChatMessage | undefined;
  #connection: ConnectionState;
  #facts: ConversationFacts = { lifetime: 0 };
  /** Own messages that the server has not taken yet. */
  readonly #waiting = new Set<string>();
  readonly #lines: MessageLines;
  readonly #alerts: Alerts;
  readonly #marks: ReadMarks;
  /** What comes while one turns to a conversation is shown below what was unread there. */
  readonly #events = new HeldEvents((event) => this.#show(event));
  #unreadElsewhere = 0;
  readonly #requests: RequestNews;
  readonly #pastes = new Pastes();
  /** Settles when everything that waited at the server is here, or the server cannot be reached. */
  readonly #firstOutcome = Promise.withResolvers<void>();
  readonly #names = new Set<string>();
  readonly #history: FirstHistory;
  readonly numbers = new MessageNumbers();
  readonly transfers: Transfers;
  readonly #changes = new MessageChanges();
  readonly #unnamed = new UnnamedNotices();

  constructor(options: ChatOptions) {
    this.options = options;
    this.#connection = options.engine.connection();
    const { dialogue, style, clock } = options;
    const line = (message: ChatMessage) => this.line(message);
    this.#lines = new MessageLines({ dialogue, style, now: clock.now(), line });
    this.#requests = new RequestNews(options.clock, (line) => this.remark(line));
    this.#alerts = new Alerts(options);
    this.#marks = new ReadMarks(options, (line) => this.remark(line));
    this.#history = new FirstHistory({
      isHere: options.engine.archive.isHere(),
      remark: (line) => this.remark(line),
      arrived: () => void this.#showRestored(),
    });
    this.transfers = new Transfers({
      changed: () => this.refresh(),
      tell: options.dialogue.interactive ? undefined : (line) => this.remark(line),
    });
  }

  /** Runs until the end of input, `/exit` or a second Ctrl-C; returns the exit code. */
  async run(): Promise<number> {
    const { engine, dialogue, signal } = this.options;
    await this.#greet();
    const after = await this.#replay();
    const stopListening = engine.subscribe((event) => this.#events.take(event), { after });
    this.#prepareInput();
    this.refresh();
    try {
      await engine.start({ receive: true, keepTrying: true, signal });
      if (!dialogue.interactive) await this.#settleIn();
      return await this.#converse();
    } finally {
      await this.transfers.stop();
      stopListening();
      this.#requests.stop();
      await this.#marks.flush();
    }
  }

  #prepareInput(): void {
    const { engine, dialogue, files: { expand } } = this.options;
    const { numbers } = this;
    dialogue.setEarlierLines(() => this.#orSay(() => engine.desk.earlierLines()) ?? []);
    dialogue.setCompletion(
      completing({ engine, numbers, target: () => this.target, seen: this.#names, expand }),
    );
  }

  /** What the profile's database does not give is said, and nothing ends for it. */
  #orSay<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.remark(`! ${errorText(error)}`);
      return undefined;
    }
  }

  /** A person sees the connection coming; the lines of a script come all at once, and would be too early. */
  async #settleIn(): Promise<void> {
    const { promise, resolve } = this.#firstOutcome;
    const cancel = this.options.clock.after(firstOutcomeMs, resolve);
    await promise;
    cancel();
  }

  /** Shows an answer to a command. */
  say(lines: string): void {
    this.options.dialogue.print(lines);
  }

  /** Shows a remark that is not data. */
  remark(lines: string): void {
    this.options.dialogue.notice(lines);
  }

  /** The formatted line of a message. */
  line(message: ChatMessage): string {
    const { style, engine } = this.options;
    const online = this.#connection.kind === "online";
    return formatMessage(message, { style, self: engine.self.name, online });
  }

  /** Sends to `target`; the line appears with its state through the engine's events. */
  async send(target: Target, text: string): Promise<void> {
    this.#lastOwn = await this.options.engine.send(target, text);
    this.refresh();
  }

  /** Makes plain lines go to `target`, and counts what waits there as read once it is shown. */
  async turnTo(target: Target): Promise<void> {
    const { engine, dialogue } = this.options;
    if (target.kind === "direct" && !(await engine.exists(target.name))) {
      return this.remark(
        `There is no user ${safe(target.name, 64)}. /users --all lists everybody.`,
      );
    }
    const next = target.kind === "group" ? (await engine.groups.info(target)).target : target;
    // What came to the conversation that is left was read there.
    const left = this.#marks.flush();
    this.target = next;
    dialogue.setPrompt(this.prompt());
    this.#lookAgain();
    const last = await this.#events.during(async () =>
      this.#lines.turnTo(addressOf(next), await engine.unread(next))
    );
    await left;
    if (last !== undefined) await engine.markRead(last);
    await this.recount();
  }

  /** The prompt always names where a plain line goes. */
  prompt(): string {
    return `${safe(addressOf(this.target), 70)}> `;
  }

  /** Repaints the status row. */
  refresh(): void {
    const { engine, dialogue } = this.options;
    const parts = chatStatus({
      self: engine.self.name,
      connection: this.#connection,
      target: this.target,
      conversation: this.#facts,
      unread: this.#unreadElsewhere,
      waiting: this.#waiting.size,
      lastOwn: this.#lastOwn,
      underWay: [...this.#history.text, ...this.transfers.text],
    });
    dialogue.setStatus(parts, { styled: this.options.style.styled });
  }

  /** What is known of the conversation at hand may have changed. */
  #lookAgain(): void {
    const { desk } = this.options.engine;
    this.#facts = this.#orSay(() => desk.facts(this.target)) ?? this.#facts;
    this.refresh();
  }

  async #converse(): Promise<number> {
    const { dialogue } = this.options;
    let interrupted = false;
    for (;;) {
      const entered = await dialogue.readLine(this.prompt());
      if (entered.kind === "end") return 0;
      if (entered.kind === "interrupt") {
        if (interrupted || entered.again === true) return 130;
        interrupted = true;
        this.remark("Ctrl-C again leaves, as do Ctrl-D and /exit.");
        continue;
      }
      interrupted = false;
      if (dialogue.interactive) this.#keep(entered.text);
      if ((await this.#obey(entered)) === "leave") return 0;
      this.#lookAgain();
    }
  }

  /** For the arrow keys of another day; what is said where messages disappear is not kept. */
  #keep(text: string): void {
    const { desk } = this.options.engine;
    this.#orSay(() => desk.keepLine(text, whither(readLine(text), this.target)));
  }

  async #obey(entered: EnteredLine): Promise<"leave" | void> {
    const { text, pasted = false } = entered;
    const { dialogue } = this.options;
    const line = readLine(text, { pasted });
    const doubt = pasted ? this.#pastes.doubt(text) : undefined;
    const refused = doubt ?? (dialogue.interactive ? tooLong(line, this.target) : undefined);
    if (refused !== undefined) {
      this.remark(`! ${refused}`);
      return dialogue.putBack(text, { pasted });
    }
    try {
      switch (line.kind) {
        case "nothing":
          return;
        case "say":
          return await this.send(this.target, line.text);
        case "private":
          return await this.send({ kind: "direct", name: line.name }, line.text);
        case "group":
          return await this.send(targetOf(`#${line.name}`), line.text);
        case "unknown":
          return this.remark(unknownCommand(line));
        case "command":
          return await runSlash(this, line.name, line.rest);
      }
    } catch (error) {
      this.remark(`! ${errorText(error)}`);
      if (saysSomething(line)) dialogue.putBack(text);
    }
  }

  async #greet(): Promise<void> {
    const { engine, dialogue } = this.options;
    const conversations = await engine.conversations();
    for (const { conversation } of conversations) this.#names.add(conversation);
    const waiting = waitingIn(conversations);
    this.#unreadElsewhere = waiting.count;
    const historyIsHere = !this.#history.isAwaited;
    for (const line of greeting(engine.self, waiting, { historyIsHere })) dialogue.notice(line);
  }

  /** The account's history has come to a new device: what the greeting could not say. */
  async #showRestored(): Promise<void> {
    const { engine } = this.options;
    const conversations = await engine.conversations();
    for (const { conversation } of conversations) this.#names.add(conversation);
    const { unread, requests } = waitingIn(conversations);
    for (const line of [unread, ...requests]) this.remark(line);
    this.#lines.restored(await engine.unread());
    this.#firstOutcome.resolve();
    await this.recount();
  }

  async #replay(): Promise<number> {
    const { engine } = this.options;
    // What comes while this is shown is told by events.
    const newest = engine.newest();
    const waiting = await engine.unread();
    this.#lines.begin(waiting, newest);
    for (const message of await engine.history({ limit: knownLines })) {
      this.#changes.note(message);
      if (message.state === "queued") this.#waiting.add(message.id);
    }
    return newest;
  }

  #show(event: EngineEvent): void {
    if (event.kind === "link" || event.kind === "warning") this.#lookAgain();
    switch (event.kind) {
      case "message":
        return this.#showMessage(event.message, event.live);
      case "changed":
        return this.#showChange(event.message);
      case "connection":
        return this.#showConnection(event.state);
      case "presence":
        for (const user of event.users) this.#names.add(user.name);
        return;
      case "notification":
        return this.#showNotification(event.notification);
      case "warning":
        return this.remark(`! ${safe(event.text, 500)}`);
      case "archive":
        this.#history.show(event.progress);
        return this.refresh();
      case "caught_up":
        this.#history.caughtUp();
        if (!this.#history.isAwaited) this.#firstOutcome.resolve();
        return void this.recount();
    }
  }

  /** What a line of the conversation tells too is not said twice. */
  #showNotification(notification: NotificationInfo): void {
    const { kind, text } = notification;
    if (kind === "message" || /^group_(added|removed|role)$/.test(kind)) return;
    if (kind === "request") return this.#requests.hold(notification);
    this.remark(`* ${safe(text, 300)}`);
  }

  #showMessage(message: ChatMessage, live: boolean): void {
    this.#names.add(message.from);
    this.#lines.told(message);
    this.#changes.note(message);
    if (message.target.kind === "group") this.#names.add(message.conversation);
    if (message.own && !this.options.dialogue.interactive) return;
    if (this.#unnamed.hold(message)) return;
    for (const line of [...this.#unnamed.release(message), message]) this.#lines.show(line);
    this.#requests.seen(message);
    if (message.own && message.state === "queued") this.#waiting.add(message.id);
    const here = sameTarget(message.target, this.target);
    if (here && message.kind === "notice") this.#lookAgain();
    if (message.own || message.kind === "notice") return;
    if (live) this.#orSay(() => this.#alerts.tell(message));
    if (here) this.#marks.soon(message);
    else if (!message.read && message.request !== true) this.#unreadElsewhere++;
    this.refresh();
  }

  #showChange(message: ChatMessage): void {
    const { style, dialogue } = this.options;
    if (!isUnnamed(message.target)) {
      for (const line of this.#unnamed.release(message)) this.say(this.line(line));
    }
    const change = this.#changes.tell(message, style);
    if (change !== undefined && (!message.own || dialogue.interactive || message.reactions)) {
      this.remark(change);
    }
    if (!message.own) return;
    if (message.state === "queued") this.#waiting.add(message.id);
    else this.#waiting.delete(message.id);
    if (this.#lastOwn === undefined || message.local >= this.#lastOwn.local) {
      this.#lastOwn = message;
    }
    if (message.state === "failed") {
      this.remark(
        `! Not sent to ${safe(message.conversation, 64)}: ` +
          `${safe(message.problem ?? "the server refused it")} (/retry sends it again)`,
      );
    }
    this.refresh();
  }

  #showConnection(state: ConnectionState): void {
    const before = this.#connection.kind;
    this.#connection = state;
    if (state.kind === "offline" || state.kind === "stopped") this.#firstOutcome.resolve();
    if (state.kind === "stopped") this.remark(`! Disconnected: ${safe(state.reason, 300)}`);
    if (!this.options.dialogue.interactive && before !== state.kind && state.kind === "offline") {
      this.remark(`* offline: ${safe(state.reason)}; trying again`);
    }
    this.refresh();
  }

  /** Counts unread messages anew and repaints. */
  async recount(): Promise<void> {
    await this.#countUnread();
    this.refresh();
  }

  async #countUnread(): Promise<void> {
    const conversations = await this.options.engine.conversations();
    this.#unreadElsewhere = conversations
      .filter(({ target, request }) => !sameTarget(target, this.target) && request !== true)
      .reduce((sum, { unread }) => sum + unread, 0);
  }
}

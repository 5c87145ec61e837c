/** What the interactive client keeps in the profile. */
import { AppError } from "../../lib/base/errors.ts";
import { inputLimits } from "../../lib/base/limits.ts";
import { Contacts } from "../store/contacts.ts";
import { InputLines } from "../store/input_lines.ts";
import { Lifetimes } from "../store/lifetimes.ts";
import { Meta } from "../store/meta.ts";
import type { Thread } from "../store/threads.ts";
import type { AlertSettings, ConversationFacts, Desk } from "./api_desk.ts";
import type { Target } from "./api_target.ts";
import type { Core } from "./core.ts";
import type { Reading } from "./reading.ts";

const noAlerts: AlertSettings = { by: "bell", scope: "off", text: false, conversations: {} };

/** The desk of an engine. */
export class ProfileDesk implements Desk {
  readonly #core: Pick<Core, "sealed" | "threads" | "own" | "links">;
  readonly #reading: Pick<Reading, "threadOf">;
  readonly #lines: InputLines;
  readonly #contacts: Contacts;
  readonly #lifetimes: Lifetimes;
  readonly #meta: Meta;

  constructor(
    core: Pick<Core, "sealed" | "threads" | "own" | "links">,
    reading: Pick<Reading, "threadOf">,
  ) {
    this.#core = core;
    this.#reading = reading;
    this.#lines = new InputLines(core.sealed);
    this.#contacts = new Contacts(core.sealed);
    this.#lifetimes = new Lifetimes(core.sealed);
    this.#meta = new Meta(core.sealed);
  }

  earlierLines(): readonly string[] {
    return this.#lines.others();
  }

  keepLine(line: string, target?: Target): void {
    if (line.trim() === "" || line.length > inputLimits.historyLineChars) return;
    // Of a group that cannot be told nobody knows whether its messages stay.
    const known = target?.kind !== "group" || this.#thread(target) !== undefined;
    if (!known || (target !== undefined && this.facts(target).lifetime > 0)) return;
    this.#core.sealed.database.transaction(() => this.#lines.add(line));
  }

  facts(target: Target): ConversationFacts {
    const thread = this.#thread(target);
    const lifetime = thread === undefined ? 0 : this.#lifetimes.timer(thread.thread).after;
    const server = thread && this.#core.links.awayOf(thread);
    const away = server === undefined ? {} : { away: server };
    if (target.kind === "direct") return { key: this.#keyOf(target.name), lifetime, ...away };
    if (target.kind === "lobby" || thread === undefined) return { lifetime };
    return { members: this.#members(thread), lifetime, ...away };
  }

  alerts(): AlertSettings {
    const text = this.#meta.getText("alerts");
    return text === undefined ? noAlerts : { ...noAlerts, ...JSON.parse(text) };
  }

  setAlerts(settings: AlertSettings): void {
    this.#core.sealed.database.transaction(() =>
      this.#meta.setText("alerts", JSON.stringify(settings))
    );
  }

  #thread(target: Target): Thread | undefined {
    try {
      const thread = this.#reading.threadOf(target);
      return thread === undefined ? undefined : this.#core.threads.get(thread);
    } catch (thrown) {
      // A group that is not here, or not certain, has nothing to tell.
      if (thrown instanceof AppError && thrown.code === "not_found") return undefined;
      throw thrown;
    }
  }

  #keyOf(name: string): NonNullable<ConversationFacts["key"]> {
    const contact = this.#contacts.byName(name);
    if (contact?.offered !== undefined) return "changed";
    return contact?.verified === true ? "verified" : "unverified";
  }

  #members({ thread }: Thread): NonNullable<ConversationFacts["members"]> {
    const { members } = this.#core.threads.groups.get(thread);
    const others = members.filter(({ account }) => account !== this.#core.own.account);
    const verified = others.filter(({ account }) =>
      this.#contacts.byAccount(account)?.verified === true
    );
    return { count: members.length, verified: verified.length };
  }
}

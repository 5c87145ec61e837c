/** One profile without a server, to which others say that they could not read something. */
import { toBase64url } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { silentLogger } from "../../../lib/base/log.ts";
import { KeyedMutex } from "../../../lib/base/mutex.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import {
  decodeContent,
  encodeContent,
  type KnownContent,
} from "../../../client/engine/content/codec.ts";
import { noteOwnSilent } from "../../../client/engine/content/deeds.ts";
import type { Draft, SilentDraft } from "../../../client/engine/content/kinds.ts";
import { sealContent } from "../../../client/engine/content/sealed.ts";
import type { AccountKeys, Core } from "../../../client/engine/core.ts";
import { storesOf } from "../../../client/engine/parts.ts";
import { applyResend } from "../../../client/engine/resend/handlers.ts";
import { Resends } from "../../../client/engine/resend/resends.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { sealerOf } from "../../../client/store/seal.ts";
import { TempFolder } from "../../kit/folder.ts";

const serverKey = generateSigningKey().publicKey;

/** An account with one device, as others know it. */
export function person(name: string) {
  const [accountKey, device, accountId] = [generateSigningKey(), generateSigningKey(), randomId()];
  const facts = { name, accountId, serverKey, accountKey, deviceKey: device.publicKey };
  const certificate = issueDeviceCertificate({ ...facts, createdAt: 1 });
  const keys: AccountKeys = {
    account: accountId,
    name,
    accountKey: accountKey.publicKey,
    serverKey,
    devices: [certificate],
    revocations: [],
  };
  return {
    name,
    account: accountId,
    device: toBase64url(device.publicKey),
    identity: { device, certificate },
    keys,
  };
}

/** What `person` makes. */
export type Person = ReturnType<typeof person>;

const draftText = (content: KnownContent) => new TextDecoder().decode(encodeContent(content));

/** A profile without a server: a clock that stands still, and what is queued for sending. */
export class Desk implements AsyncDisposable {
  readonly core: Core;
  readonly conversation = randomId();
  readonly thread: number;
  readonly #temp: TempFolder;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();
  #now = 1_000_000;
  #seq = 0;

  private constructor(temp: TempFolder, own: Person, people: readonly Person[]) {
    this.#temp = temp;
    const database = openDatabase(`${temp.path}/profile.db`, { migrations: profileMigrations });
    const profile = { database, ...sealerOf(crypto.getRandomValues(new Uint8Array(32))) };
    const parts: Partial<Core> = {
      own,
      ...storesOf(profile),
      locks: new KeyedMutex(),
      logger: silentLogger,
      random: () => 0,
      clock: {
        now: () => this.#now,
        monotonic: () => this.#now,
        after: (ms, run) => {
          const timer = { at: this.#now + ms, run };
          this.#timers.add(timer);
          return () => this.#timers.delete(timer);
        },
      },
      people: {
        nameOf: ({ name }) => name,
        keysOf: (who) => {
          const found = people.find(({ account }) => "account" in who && account === who.account);
          return found === undefined
            ? Promise.reject(new Error("unknown"))
            : Promise.resolve(found.keys);
        },
      },
      kick: () => undefined,
      warn: () => undefined,
      changed: () => undefined,
    };
    const core = parts as Core;
    const resends = new Resends({
      core: () => core,
      online: () => true,
      inBackground: (work) => void work(),
    });
    this.core = Object.assign(core, { resends });
    this.thread = database.transaction(() => core.threads.obtainGroup(this.conversation).thread);
  }

  static async make(own: Person, people: readonly Person[] = []): Promise<Desk> {
    return new Desk(await TempFolder.make(), own, people);
  }

  /** These are the group's members from now on: from the row after the one that was said last. */
  members(...people: readonly Person[]): void {
    this.#seq += 1;
    this.membersAt(this.#seq, ...people);
  }

  /** These are the group's members from row `seq` on. */
  membersAt(seq: number, ...people: readonly Person[]): void {
    const { sealed, threads } = this.core;
    sealed.database.transaction(() => {
      const thread = threads.get(this.thread);
      if (thread === undefined) throw new Error("no thread");
      const members = people.map(({ account, name }) => ({
        account,
        name,
        role: "member" as const,
      }));
      threads.setGroup(thread, { ...threads.groups.get(this.thread), members }, { seq });
    });
  }

  /** A message that `author` has said, as this device's store has it. */
  say(author: Person, text: string, seq = ++this.#seq): string {
    const id = randomId();
    const { sealed, messages } = this.core;
    const message = { id, sentAt: 5, content: { from: author.name, text } };
    const { stored } = sealContent(author.identity, { message, conversation: this.conversation });
    const row = { thread: this.thread, id, seq, own: true, unread: false, ts: 5, sentAt: 5 };
    sealed.database.transaction(() => messages.add({ ...row, state: "sent", content: stored }));
    return id;
  }

  /** Content as its author signs it. */
  signed(author: Person, { id = randomId(), ...draft }: Draft & { id?: string }) {
    const content = { id, sentAt: 5, ...draft };
    const message = { id, sentAt: 5, content: { from: "", text: "", draft: draftText(content) } };
    const { conversation } = this;
    const { signed } = sealContent(author.identity, { message, conversation }).stored;
    if (signed === undefined) throw new Error("not signed");
    return { ...signed };
  }

  /** Something without a line that `author`'s account has done, as this device's store has it. */
  act(author: Person, draft: SilentDraft): string {
    const id = randomId();
    const row = { thread: this.thread, id, seq: ++this.#seq, ts: 5, sentAt: 5 };
    const signed = this.signed(author, { ...draft, id });
    this.core.sealed.database.transaction(() => noteOwnSilent(this.core, { draft, row, signed }));
    return id;
  }

  /** Somebody asks for messages that a device has said. */
  ask(asker: Person, device: string, messages: readonly string[]): void {
    const { core, thread } = this;
    const from = { account: asker.account, name: asker.name, device: asker.device };
    const body = { to: core.own.account, device, messages };
    const facts = { id: randomId(), thread, ts: 6, sentAt: 6, own: false, from, body };
    const effects = core.sealed.database.transaction(() => applyResend(core, facts));
    for (const effect of effects) if (effect.kind === "run") effect.run();
  }

  /** Lets time pass, and with it whatever was put off. */
  pass(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.run();
    }
  }

  #answers() {
    const { outbox, messages } = this.core;
    return outbox.waiting(this.thread, 100).map(({ local }) => {
      const draft = messages.get(local)?.content.draft ?? "";
      const { body } = decodeContent(new TextEncoder().encode(draft)) as {
        body: { said?: { content: Uint8Array }; nothing?: string[] };
      };
      return body;
    });
  }

  /** Ids of the messages that wait to be said again, and of those of which there is nothing to say. */
  queued() {
    return this.#answers().flatMap(({ said, nothing = [] }) =>
      said ? [decodeContent(said.content).id] : nothing
    );
  }

  /** What waits to be said again. */
  saidAgain() {
    return this.#answers().flatMap(({ said }) => said ? [decodeContent(said.content)] : []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const database = this.core.sealed.database;
    if ("close" in database && typeof database.close === "function") database.close();
    await this.#temp[Symbol.asyncDispose]();
  }
}

import assert from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { resendLimits } from "../../../lib/base/limits.ts";
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
import { accept } from "../../../client/engine/resend/accept.ts";
import { applyResend, applyResent } from "../../../client/engine/resend/handlers.ts";
import { Resends } from "../../../client/engine/resend/resends.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { sealerOf } from "../../../client/store/seal.ts";
import { TempFolder } from "../../kit/folder.ts";

const serverKey = generateSigningKey().publicKey;

/** An account with one device, as others know it. */
function person(name: string) {
  const [accountKey, device, accountId] = [generateSigningKey(), generateSigningKey(), randomId()];
  const facts = { name, accountId, serverKey, accountKey, deviceKey: device.publicKey };
  const certificate = issueDeviceCertificate({ ...facts, createdAt: 1 });
  const keys: AccountKeys = {
    account: accountId,
    name,
    accountKey: accountKey.publicKey,
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

type Person = ReturnType<typeof person>;

const draftText = (content: KnownContent) => new TextDecoder().decode(encodeContent(content));

/** A profile without a server: a clock that stands still, and what is queued for sending. */
class Desk implements AsyncDisposable {
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

  /** These are the group's members from now on. */
  members(...people: readonly Person[]): void {
    const { sealed, threads } = this.core;
    sealed.database.transaction(() => {
      const thread = threads.get(this.thread);
      if (thread === undefined) throw new Error("no thread");
      const members = people.map(({ account, name }) => ({
        account,
        name,
        role: "member" as const,
      }));
      threads.setGroup(thread, { ...threads.groups.get(this.thread), members });
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

Deno.test("what was said is said again to whoever was there, and to nobody who came later", async () => {
  const [alice, bobby, carol] = [person("alice"), person("bobby"), person("carol")];
  await using desk = await Desk.make(alice);
  desk.members(alice, bobby);
  const early = desk.say(alice, "before carol");
  desk.members(alice, bobby, carol);
  const late = desk.say(alice, "with carol");
  desk.ask(carol, alice.device, [early, late]);
  desk.pass(0);
  assert.deepEqual(desk.queued(), [late]);
  desk.ask(bobby, alice.device, [early]);
  desk.pass(0);
  assert.deepEqual(desk.queued(), [late, early]);
});

Deno.test("history that came from the archive is not for whoever came later, either", async () => {
  const [alice, bobby, carol] = [person("alice"), person("bobby"), person("carol")];
  await using desk = await Desk.make(alice);
  desk.say(alice, "row one");
  desk.say(alice, "row two");
  desk.members(alice, bobby, carol);
  const archived = desk.say(alice, "from the archive", 1);
  const fresh = desk.say(alice, "new", 3);
  desk.ask(carol, alice.device, [archived, fresh]);
  desk.pass(0);
  assert.deepEqual(desk.queued(), [fresh]);
});

Deno.test("whoever was removed and came again is new", async () => {
  const [alice, bobby, carol] = [person("alice"), person("bobby"), person("carol")];
  await using desk = await Desk.make(alice);
  desk.members(alice, bobby, carol);
  desk.members(alice, bobby);
  const between = desk.say(alice, "without carol");
  desk.members(alice, bobby, carol);
  desk.ask(carol, alice.device, [between]);
  desk.pass(0);
  assert.deepEqual(desk.queued(), []);
});

Deno.test("each message is said again a few times and no more, whoever asks", async () => {
  const [alice, bobby] = [person("alice"), person("bobby")];
  await using desk = await Desk.make(alice);
  desk.members(alice, bobby);
  const id = desk.say(alice, "again and again");
  for (let time = 0; time < resendLimits.answersPerMessage + 2; time++) {
    desk.ask(bobby, alice.device, [id, id]);
    desk.pass(60_000);
  }
  assert.deepEqual(desk.queued(), Array(resendLimits.answersPerMessage).fill(id));
});

Deno.test("another device of the author answers only when the one that said it has not", async () => {
  const [alice, bobby] = [person("alice"), person("bobby")];
  const phone = generateSigningKey();
  await using desk = await Desk.make(alice);
  desk.members(alice, bobby);
  const [first, second] = [desk.say(alice, "one"), desk.say(alice, "two")];
  desk.ask(bobby, toBase64url(phone.publicKey), [first, second]);
  desk.pass(1);
  assert.deepEqual(desk.queued(), []);
  desk.core.sealed.database.transaction(() =>
    desk.core.lost.noteSaidAgain(desk.thread, first, desk.core.clock.now())
  );
  desk.pass(resendLimits.siblingWaitMs);
  assert.deepEqual(desk.queued(), [second]);
});

Deno.test("of what it never had only the very device that said it says that there is nothing", async () => {
  const [alice, bobby] = [person("alice"), person("bobby")];
  await using desk = await Desk.make(alice);
  desk.members(alice, bobby);
  const unknown = randomId();
  desk.ask(bobby, toBase64url(generateSigningKey().publicKey), [unknown]);
  desk.pass(resendLimits.siblingWaitMs);
  assert.deepEqual(desk.queued(), []);
  desk.ask(bobby, alice.device, [unknown]);
  desk.pass(0);
  assert.deepEqual(desk.queued(), [unknown]);
});

Deno.test("a message that comes again is shown only if its author has signed it, and for what it was", async () => {
  const [alice, bobby, eve] = [person("alice"), person("bobby"), person("eve")];
  await using desk = await Desk.make(alice, [alice, bobby, eve]);
  desk.members(alice, bobby, eve);
  const { core, thread, conversation } = desk;
  const id = randomId();
  const lost = { thread, id, seq: 3, ts: 5, author: bobby.account, device: bobby.device };
  const signedBy = (author: Person, of: { id?: string; conversation?: string } = {}) => {
    const message = {
      id: of.id ?? id,
      sentAt: 5,
      content: { from: author.name, text: "as it was" },
    };
    const where = of.conversation ?? conversation;
    const signed = sealContent(author.identity, { message, conversation: where }).stored.signed;
    if (signed === undefined) throw new Error("not signed");
    return signed;
  };
  const right = signedBy(bobby);
  const wrong = [
    signedBy(eve),
    { ...right, certificate: toBase64url(eve.identity.certificate.bytes) },
    { ...signedBy(eve), certificate: toBase64url(bobby.identity.certificate.bytes) },
    signedBy(bobby, { id: randomId() }),
    signedBy(bobby, { conversation: randomId() }),
  ];
  core.sealed.database.transaction(() => core.lost.add(lost, 0));
  for (const answer of [...wrong, right]) {
    core.sealed.database.transaction(() => core.lost.answer(lost, answer));
    await accept(core, { ...lost, answer });
    assert.equal(core.messages.inThread(thread, id) !== undefined, answer === right);
  }
  const shown = core.messages.inThread(thread, id);
  assert.deepEqual([shown?.content.text, shown?.own, shown?.sentAt, shown?.seq], [
    "as it was",
    false,
    5,
    3,
  ]);
  assert.equal(core.lost.get(thread, id), undefined);
});

Deno.test("what was done without a line is said again as it was signed; what a later one made void is not", async () => {
  const [alice, bobby] = [person("alice"), person("bobby")];
  await using desk = await Desk.make(alice);
  desk.members(alice, bobby);
  const about = desk.say(bobby, "something");
  const thumb = { kind: "reaction", body: { to: about, emoji: "👍", remove: false } } as const;
  const given = desk.act(alice, thumb);
  const edit = desk.act(alice, { kind: "edit", body: { to: about, text: "first" } });
  const taken = desk.act(alice, { ...thumb, body: { ...thumb.body, remove: true } });
  const later = desk.act(alice, { kind: "edit", body: { to: about, text: "second" } });
  const asked = desk.act(alice, { kind: "group_ask", body: {} });
  desk.ask(bobby, alice.device, [given, edit, taken, later, asked]);
  desk.pass(0);
  assert.deepEqual(desk.queued(), [taken, later, given, edit, asked]);
  const said = desk.saidAgain();
  assert.deepEqual(said.map(({ id, kind }) => [id, kind]), [[taken, "reaction"], [later, "edit"]]);
});

Deno.test("what another device of the account did without a line is said again when that device is gone", async () => {
  const [alice, bobby] = [person("alice"), person("bobby")];
  await using desk = await Desk.make(alice);
  desk.members(alice, bobby);
  const gone = toBase64url(generateSigningKey().publicKey);
  const about = desk.say(bobby, "something");
  const draft = { kind: "reaction", body: { to: about, emoji: "🎉", remove: false } } as const;
  const [reaction, ask] = [
    desk.act(alice, draft),
    desk.act(alice, { kind: "group_ask", body: {} }),
  ];
  const neverSeen = randomId();
  desk.ask(bobby, gone, [reaction, ask, neverSeen]);
  desk.pass(1);
  assert.deepEqual(desk.queued(), []);
  desk.pass(resendLimits.siblingWaitMs);
  assert.deepEqual(desk.queued(), [reaction, ask]);
});

/** A lost message of bobby's, with the line that says so. */
function lose(desk: Desk, bobby: Person) {
  const { core, thread } = desk;
  const lost = {
    thread,
    id: randomId(),
    seq: 3,
    ts: 5,
    author: bobby.account,
    device: bobby.device,
  };
  core.sealed.database.transaction(() => {
    core.messages.add({
      ...{ thread, id: lost.id, seq: 3, ts: 5, sentAt: 5, own: false, unread: true },
      unreadable: true,
      state: "received",
      content: { from: "bobby", text: "waiting for keys" },
    });
    core.lost.add(lost, core.clock.now());
  });
  return lost;
}

Deno.test("a reaction that comes again is given, and leaves no line where it could not be read", async () => {
  const [alice, bobby] = [person("alice"), person("bobby")];
  await using desk = await Desk.make(alice, [alice, bobby]);
  desk.members(alice, bobby);
  const { core, thread } = desk;
  const about = desk.say(alice, "something");
  const lost = lose(desk, bobby);
  const draft = { kind: "reaction", body: { to: about, emoji: "🎉", remove: false } } as const;
  const answer = desk.signed(bobby, { ...draft, id: lost.id });
  core.sealed.database.transaction(() => core.lost.answer(lost, answer));
  await accept(core, { ...lost, answer });
  assert.equal(core.messages.inThread(thread, lost.id), undefined);
  assert.equal(core.lost.get(thread, lost.id), undefined);
  const reactions = core.messages.inThread(thread, about)?.content.reactions;
  assert.deepEqual(reactions?.map(({ name, emoji }) => [name, emoji]), [["bobby", "🎉"]]);
});

Deno.test("that there was nothing to show counts from any device of the author, and of nobody else", async () => {
  const [alice, bobby, carol] = [person("alice"), person("bobby"), person("carol")];
  await using desk = await Desk.make(alice);
  desk.members(alice, bobby, carol);
  const { core, thread } = desk;
  const { id } = lose(desk, bobby);
  const tell = (account: Person) => {
    const from = { account: account.account, name: account.name, device: "another" };
    const facts = { id: randomId(), thread, ts: 6, sentAt: 6, own: false, from };
    core.sealed.database.transaction(() =>
      applyResent(core, { ...facts, body: { nothing: [id] } })
    );
    return core.messages.inThread(thread, id)?.content.text;
  };
  assert.equal(tell(carol), "waiting for keys");
  assert.equal(tell(bobby), undefined);
});

Deno.test("what nobody says again is given up after the last time of asking, and still taken if it comes", async () => {
  const [alice, bobby] = [person("alice"), person("bobby")];
  await using desk = await Desk.make(alice, [alice, bobby]);
  desk.members(alice, bobby);
  const { core, thread } = desk;
  core.sealed.database.exec("UPDATE threads SET state = x'00'");
  const lost = lose(desk, bobby);
  const text = () => core.messages.inThread(thread, lost.id)?.content.text ?? "";
  core.resends.look();
  const asks: number[] = [];
  for (let hours = 0; hours < 5; hours++) {
    desk.pass(60 * 60 * 1000);
    asks.push(core.outbox.waiting(thread, 100).length);
  }
  assert.equal(asks.at(-1), resendLimits.asksPerMessage);
  assert.match(text(), /^a message could not be read: its keys are gone, and no device/);
  assert.equal(core.lost.nextDue(), undefined);
  const answer = desk.signed(bobby, { kind: "text", body: { text: "late" }, id: lost.id });
  core.sealed.database.transaction(() => core.lost.answer(lost, answer));
  await accept(core, { ...lost, answer });
  assert.equal(text(), "late");
});

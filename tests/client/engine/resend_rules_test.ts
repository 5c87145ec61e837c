import assert from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { resendLimits } from "../../../lib/base/limits.ts";
import { silentLogger } from "../../../lib/base/log.ts";
import { KeyedMutex } from "../../../lib/base/mutex.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import { decodeContent } from "../../../client/engine/content/codec.ts";
import { sealContent } from "../../../client/engine/content/sealed.ts";
import type { AccountKeys, Core } from "../../../client/engine/core.ts";
import { storesOf } from "../../../client/engine/parts.ts";
import { accept } from "../../../client/engine/resend/accept.ts";
import { applyResend } from "../../../client/engine/resend/handlers.ts";
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

  /** Ids of the messages that wait to be said again, and of those of which there is nothing to say. */
  queued() {
    const { outbox, messages } = this.core;
    return outbox.waiting(this.thread, 100).flatMap(({ local }) => {
      const draft = messages.get(local)?.content.draft ?? "";
      const { body } = decodeContent(new TextEncoder().encode(draft)) as {
        body: { said?: { content: Uint8Array }; nothing?: string[] };
      };
      return body.said ? [decodeContent(body.said.content).id] : body.nothing ?? [];
    });
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

Deno.test("of what made no line the device that said it says so, and no other", async () => {
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

import assert from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { resendLimits } from "../../../lib/base/limits.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { sealContent } from "../../../client/engine/content/sealed.ts";
import { accept } from "../../../client/engine/resend/accept.ts";
import { applyResent } from "../../../client/engine/resend/handlers.ts";

import { Desk, type Person, person } from "./resend_kit.ts";

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
  const fresh = desk.say(alice, "new");
  desk.ask(carol, alice.device, [archived, fresh]);
  desk.pass(0);
  assert.deepEqual(desk.queued(), [fresh]);
});

Deno.test("what was on its way when somebody came is for who came if the log has it later, and only then", async () => {
  const [alice, bobby, carol] = [person("alice"), person("bobby"), person("carol")];
  await using desk = await Desk.make(alice);
  desk.membersAt(1, alice, bobby);
  const before = desk.say(alice, "taken before carol", 2);
  const after = desk.say(alice, "taken after carol", 4);
  // Only now this device hears of carol, who has come with the row between.
  desk.membersAt(3, alice, bobby, carol);
  desk.ask(carol, alice.device, [before, after]);
  desk.pass(0);
  assert.deepEqual(desk.queued(), [after]);
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

import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type Person, type World } from "../../contract/world.ts";
import { as, creation, crowd, Group } from "./group_world.ts";

const asking = { consent: "all" } as const;

function pair(world: World) {
  return { erik: world.register("erik"), sam: world.register("sam") };
}

const answer = (world: World, person: Person, conversation: string, said: "accept" | "decline") =>
  world.code("conversation.answer", { ...actor(person), conversation, answer: said });

const kinds = (world: World, person: Person) => world.notifications(person).map(({ kind }) => kind);

/** Unread messages in all, as the next login says. */
function unreadAtLogin(world: World, person: Person): number {
  const { gateway, session } = person.arrival;
  world.run("session.close", { gateway, session });
  return world.ok("login.device", { device: person.device, arrival: world.arrival() }).unread;
}

everyBackend(
  "a stranger's first messages are a request: delivered, not counted, told once",
  (world) => {
    const { erik, sam } = pair(world);
    const conversation = world.converse(erik, sam);
    const { account } = erik;
    const row = () => world.conversation(sam, conversation);
    assert.deepEqual([row().state, row().by], ["request", account]);
    assert.deepEqual(world.conversation(erik, conversation).state, "active");
    const [welcome] = world.read(sam, conversation);
    assert(welcome?.type === "welcome");
    assert.deepEqual([welcome.state, welcome.by], ["request", account]);
    // What makes no line is nothing to answer.
    world.ok("message.send", { ...world.message(erik, conversation), quiet: true });
    assert.deepEqual([kinds(world, sam), row().unread], [[], 0]);
    world.send(erik, conversation);
    world.send(erik, conversation);
    assert.deepEqual(world.read(sam, conversation).map(({ type }) => type), [
      "welcome",
      "message",
      "message",
      "message",
    ]);
    assert.equal(row().unread, 2);
    assert.deepEqual(kinds(world, sam), ["request"]);
    assert.equal(unreadAtLogin(world, sam), 0);
  },
  asking,
);

everyBackend(
  "a stranger can put so many messages into a request, and all again when it is accepted",
  (world) => {
    const { erik, sam } = pair(world);
    const conversation = world.converse(erik, sam);
    for (let count = 0; count < serverLimits.requestMessages; count++) {
      world.send(erik, conversation);
    }
    const more = () => world.code("message.send", world.message(erik, conversation));
    assert.equal(more(), "consent_pending");
    // Reading makes no room: only the answer counts.
    world.markRead(sam, conversation, 3);
    assert.equal(more(), "consent_pending");
    assert.equal(answer(world, sam, conversation, "accept"), "ok");
    assert.equal(more(), "ok");
    assert.equal(world.conversation(sam, conversation).state, "active");
    assert.equal(answer(world, sam, conversation, "accept"), "ok");
    assert.equal(answer(world, sam, conversation, "decline"), "not_allowed");
    assert.equal(unreadAtLogin(world, sam), 4);
  },
  asking,
);

everyBackend(
  "whoever answers or was written to is asked no more, in conversations or groups",
  (world) => {
    const { erik, sam } = pair(world);
    const conversation = world.converse(erik, sam);
    assert.equal(answer(world, sam, conversation, "accept"), "ok");
    const group = Group.create(world, [erik, sam]);
    assert.equal(group.row(sam).state, "active");
    assert.equal(Group.create(world, [sam, erik]).row(erik).state, "active");
    const eve = world.register("eve");
    const theirs = Group.create(world, [eve, sam]);
    assert.deepEqual([theirs.row(sam).state, theirs.row(sam).by], ["request", eve.account]);
  },
  asking,
);

everyBackend("writing in a request without an answer makes its sender known", (world) => {
  const { erik, sam } = pair(world);
  const conversation = world.converse(erik, sam);
  world.send(sam, conversation);
  assert.equal(Group.create(world, [erik, sam]).row(sam).state, "active");
}, asking);

everyBackend(
  "a declined conversation delivers nothing, tells nobody, and can be accepted later",
  (world) => {
    const { erik, sam } = pair(world);
    const phone = world.enrol(sam);
    const conversation = world.converse(erik, sam, phone);
    world.send(erik, conversation);
    assert.equal(answer(world, sam, conversation, "decline"), "ok");
    assert.deepEqual(world.nudges.map(({ kind }) => kind), ["state"]);
    assert.deepEqual(world.told("state")[0]?.devices, [phone.device]);
    assert.equal(world.conversation(sam, conversation).state, "declined");
    const before = world.conversation(erik, conversation).members;
    world.send(erik, conversation);
    assert.deepEqual(world.told("log"), []);
    assert.deepEqual(world.run("log.pending", actor(sam)).conversations, []);
    assert.deepEqual(world.stored(conversation), []);
    const span = { ...actor(sam), conversation, after: 0, limit: 9, maxBytes: 999 };
    assert.equal(world.code("log.read", span), "not_a_member");
    assert.equal(world.code("message.send", world.message(sam, conversation)), "not_a_member");
    assert.deepEqual(world.conversation(erik, conversation).members, before);
    assert.equal(answer(world, sam, conversation, "accept"), "ok");
    const row = world.conversation(sam, conversation);
    assert.deepEqual([row.state, row.cursor, row.lost], ["active", row.head, row.head]);
    const next = world.send(erik, conversation);
    assert.deepEqual(world.read(sam, conversation).map(({ seq }) => seq), [next]);
    world.ack(sam, conversation, next);
    assert.equal(world.conversation(sam, conversation).lost, undefined);
  },
  asking,
);

everyBackend("declining a group is leaving it", (world) => {
  const { erik, sam } = pair(world);
  const group = Group.create(world, [erik, sam]);
  assert.equal(group.row(sam).state, "request");
  assert.equal(answer(world, sam, group.id, "decline"), "ok");
  assert.equal(group.row(sam).state, "left");
  assert.deepEqual(group.row(erik).leaving, [sam.account]);
  assert.equal(answer(world, sam, group.id, "accept"), "no_such_conversation");
  group.remove(erik, sam);
  assert(!group.isListed(sam));
}, asking);

everyBackend("requests are asked for by nobody unless the operator says so", (world) => {
  const { erik, sam } = pair(world);
  const conversation = world.converse(erik, sam);
  assert.equal(world.conversation(sam, conversation).state, "active");
  assert.equal(Group.create(world, [erik, sam]).row(sam).state, "active");
  for (let count = 0; count < 20; count++) world.send(erik, conversation);
  assert.deepEqual(kinds(world, sam), ["group_added", "message"]);
});

everyBackend(
  "one account has only so many open requests, and one is asked only so often",
  (world) => {
    const { erik, sam } = pair(world);
    const strangers = crowd(world, serverLimits.openRequests + 1);
    const asked = strangers.map((person) =>
      world.code("conversation.create", world.creation(crypto.randomUUID(), [erik, person]))
    );
    assert.equal(asked.at(-1), "consent_pending");
    assert.deepEqual(new Set(asked.slice(0, -1)), new Set(["ok"]));
    const [first] = world.run("conversation.list", { ...actor(erik), after: undefined, limit: 1 })
      .conversations;
    const other = first?.members.find(({ account }) => account !== erik.account)?.account;
    const person = strangers.find(({ account }) => account === other);
    assert(first && person);
    assert.equal(answer(world, person, first.conversation, "accept"), "ok");
    const again = world.creation(crypto.randomUUID(), [erik, sam]);
    assert.equal(world.code("conversation.create", again), "ok");
  },
  asking,
);

const block = (world: World, person: Person, other: Person) =>
  world.code("account.block", { ...actor(person), other: other.account });
const unblock = (world: World, person: Person, other: Person) =>
  world.code("account.unblock", { ...actor(person), other: other.account });

everyBackend(
  "a blocked account can begin nothing with the blocker, whatever the operator says",
  (world) => {
    const { erik, sam } = pair(world);
    const mia = world.register("mia");
    const group = Group.create(world, [erik, mia]);
    assert.equal(block(world, sam, erik), "ok");
    assert.equal(block(world, sam, erik), "ok");
    const direct = world.creation(crypto.randomUUID(), [erik, sam]);
    assert.equal(world.code("conversation.create", direct), "not_accepted");
    const joint = creation(world, crypto.randomUUID(), { people: [erik, mia, sam] });
    assert.equal(world.code("conversation.create", joint), "not_accepted");
    assert.equal(group.code(erik, { add: [as(sam)] }, { add: [actor(sam)] }), "not_accepted");
    const claim = { ...actor(erik), target: sam.account, conversation: group.id };
    assert.equal(world.code("keypackages.claim", claim), "not_accepted");
    // Somebody else may bring both together; there, one sees the other.
    group.promote(erik, mia, "admin");
    group.add(mia, sam);
    assert.equal(world.code("keypackages.claim", claim), "ok");
    assert.equal(unblock(world, sam, erik), "ok");
    assert.equal(world.code("conversation.create", direct), "ok");
  },
);

everyBackend(
  "what a blocked account writes in an existing conversation never reaches the blocker",
  (world) => {
    const { erik, sam } = pair(world);
    const laptop = world.enrol(erik);
    const conversation = world.converse(erik, sam, laptop);
    const first = world.send(erik, conversation);
    world.ack(sam, conversation, first);
    world.markRead(sam, conversation, first);
    const members = () => world.conversation(erik, conversation).members;
    const before = members();
    assert.equal(block(world, sam, erik), "ok");
    const hidden = world.send(erik, conversation);
    assert.deepEqual(world.told("log")[0]?.devices.includes(sam.device) ?? false, false);
    assert.deepEqual(world.told("notification"), []);
    assert.deepEqual(world.read(sam, conversation, 0), []);
    assert.deepEqual(world.run("log.pending", actor(sam)).conversations, []);
    assert.equal(world.conversation(sam, conversation).unread, 0);
    // The sender's other device gets it, and the group goes on for both.
    assert.deepEqual(world.read(laptop, conversation).at(-1)?.seq, hidden);
    const commit = world.commit(erik, conversation);
    const { seq } = world.ok("conversation.commit", commit);
    assert.deepEqual(world.read(sam, conversation).map((row) => row.seq), [seq]);
    world.ack(sam, conversation, seq);
    assert.deepEqual(world.told("receipt"), []);
    world.markRead(sam, conversation, seq);
    assert.deepEqual(world.told("receipt"), []);
    assert.deepEqual(members(), before, "the sender sees nothing delivered or read any more");
    assert.equal(unblock(world, sam, erik), "ok");
    const next = world.send(erik, conversation, { epoch: 2 });
    assert.deepEqual(world.read(sam, conversation).map((row) => row.seq), [next]);
  },
);

everyBackend(
  "blocked accounts are listed in order, page by page, and nobody blocks itself",
  (world) => {
    const erik = world.register("erik");
    const others = crowd(world, 5);
    for (const other of others) assert.equal(block(world, erik, other), "ok");
    assert.equal(block(world, erik, erik), "no_such_user");
    const unknown = { ...actor(erik), other: crypto.randomUUID() };
    assert.equal(world.code("account.block", unknown), "no_such_user");
    const page = (after: string | undefined) =>
      world.run("account.blocks", { ...actor(erik), after, limit: 3 });
    const [first, second] = [page(undefined), page(page(undefined).blocked.at(-1)?.account)];
    const all = [...first.blocked, ...second.blocked].map(({ account }) => account);
    assert.deepEqual(all, others.map(({ account }) => account).toSorted());
    assert.deepEqual([first.more, second.more], [true, false]);
    assert.equal(unblock(world, erik, others[0] ?? erik), "ok");
    assert(!page(undefined).blocked.some(({ account }) => account === others[0]?.account));
  },
);

everyBackend("blocking makes somebody a stranger again", (world) => {
  const { erik, sam } = pair(world);
  const conversation = world.converse(erik, sam);
  assert.equal(answer(world, sam, conversation, "accept"), "ok");
  assert.equal(block(world, sam, erik), "ok");
  assert.equal(unblock(world, sam, erik), "ok");
  assert.equal(Group.create(world, [erik, sam]).row(sam).state, "request");
}, asking);

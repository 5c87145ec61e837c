/** What somebody may try against the operations, and what a clock that was wrong must not do to them. */
import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type Person } from "../../contract/world.ts";

const refusal = "quota_exceeded";
const yearMs = 365 * 24 * 60 * 60 * 1000;

everyBackend("a device that replaces itself again and again keeps to the other's room", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const conversation = world.converse(erik, sam);
  const { accounts } = world.backend.tables;
  const key = accounts.byId(sam.account)?.key ?? 0;
  const change = {
    external: true,
    remove: [erik.device],
    commit: new Uint8Array(1024 * 1024),
  };
  world.ok("conversation.commit", world.commit(erik, conversation, change));
  accounts.addQueued(key, serverLimits.queuedBytesPerAccount - accounts.queued(key));
  const again = { ...world.commit(erik, conversation, change), epoch: 2 };
  assert.equal(world.code("conversation.commit", again), "quota_exceeded");
  assert.equal(world.conversation(sam, conversation).epoch, 2);
});

everyBackend("whoever fills a conversation leaves the receiver room for others", (world) => {
  const names = ["mallory", "sam", "erik"];
  const [mallory, sam, erik] = names.map((name) => world.register(name)) as [
    Person,
    Person,
    Person,
  ];
  const [flooded, other] = [world.converse(mallory, sam), world.converse(erik, sam)];
  const bytes = new Uint8Array(1024 * 1024);
  let accepted = 0;
  while (world.code("message.send", world.message(mallory, flooded, { bytes })) === "ok") {
    accepted++;
  }
  assert.equal(accepted, serverLimits.queuedBytesPerConversation / bytes.length - 1);
  const commit = world.commit(mallory, flooded, { commit: bytes });
  assert.equal(world.code("message.send", world.message(mallory, flooded, { bytes })), refusal);
  assert.equal(world.code("conversation.commit", commit), refusal);
  world.send(erik, other, { bytes });
  // The victim may still answer, and the flooder is heard again when what waited has been taken.
  const phone = world.enrol(sam);
  world.ok("conversation.commit", world.commit(sam, other, { add: [actor(phone)] }));
  world.send(sam, flooded, { bytes });
  world.ack(sam, flooded, accepted + 1);
  world.send(mallory, flooded, { bytes });
});

everyBackend(
  "a device that was removed and joined again sends what it had sent before once",
  (world) => {
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const phone = world.enrol(erik);
    const conversation = world.converse(erik, sam, phone);
    const message = world.message(phone, conversation);
    const { seq } = world.ok("message.send", message);
    world.ok("conversation.commit", world.commit(sam, conversation, { remove: [phone.device] }));
    // It has got the commit that removes it, and so gives up its seat.
    world.ack(phone, conversation, 3);
    const joining = world.commit(phone, conversation, { external: true });
    world.ok("conversation.commit", { ...joining, epoch: 2 });
    assert.equal(world.ok("message.send", { ...message, epoch: 3 }).seq, seq);
    assert.equal(world.send(phone, conversation, { epoch: 3 }), 5);
  },
);

everyBackend("a clock that was a year ahead and is put back locks nobody out", (world) => {
  world.register("erik");
  const attempt = { name: "erik", remote: "192.0.2.7" };
  world.now += yearMs;
  for (let count = 0; count < 20; count++) world.run("login.start", attempt);
  assert.equal(world.code("login.start", attempt), "too_many_attempts");
  world.now -= yearMs;
  assert.equal(world.code("login.start", attempt), "ok");
  // The failures are not forgotten, and time goes on.
  const refused = world.run("login.start", attempt);
  assert.ok(!refused.ok && refused.code === "too_many_attempts");
  assert.ok((refused.retryAfterMs ?? Infinity) <= serverLimits.loginDelayMaxMs);
  world.now += refused.retryAfterMs ?? 0;
  assert.equal(world.code("login.start", attempt), "ok");
});

everyBackend("a clock that is adjusted by seconds does not make time go back", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const conversation = world.converse(erik, sam);
  const first = world.ok("message.send", world.message(erik, conversation));
  world.now -= 5000;
  const second = world.ok("message.send", world.message(erik, conversation));
  assert.ok(second.ts >= first.ts);
  assert.equal(
    world.run("conversation.list", { ...actor(sam), after: undefined, limit: 5 }).more,
    false,
  );
});

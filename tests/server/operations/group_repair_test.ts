import assert from "node:assert/strict";
import type { Input } from "../../../server/operations/contract.ts";
import { actor, everyBackend, type Person, randomKey, type World } from "../../contract/world.ts";
import { as, Group } from "./group_world.ts";

/** Two members cannot apply the commit, which is so taken back. */
function takeBack(world: World, commit: Input<"conversation.commit">, by: readonly Person[]): void {
  const { conversation, epoch, hash, incarnation = 0 } = commit;
  const about = { conversation, epoch, hash, incarnation, reason: "invalid" } as const;
  const last = by.map((person) =>
    world.ok("conversation.refuse", { ...actor(person), ...about, signature: randomKey() })
  ).at(-1);
  assert.equal(last?.rolledBack, true);
}

everyBackend("with a commit that is taken back, members and roles are what they were", (world) => {
  const names = ["olga", "adam", "mia", "max", "eve", "leo"];
  const [olga, adam, mia, max, eve, leo] = names.map((name) => world.register(name));
  assert(olga && adam && mia && max && eve && leo);
  const group = Group.create(world, [olga, adam, mia, max, leo], { adam: "admin" });
  const before = group.roles(olga);
  assert.equal(group.leave(leo), "ok");
  const commit = group.commit(olga, {
    add: [as(eve)],
    remove: [max.account, leo.account],
    roles: [as(mia, "owner"), as(adam, "member")],
  }, { add: [actor(eve)], remove: [max.device, leo.device] });
  world.ok("conversation.commit", commit);
  assert.deepEqual(group.roles(olga), {
    olga: "owner",
    adam: "member",
    mia: "owner",
    eve: "member",
  });
  takeBack(world, commit, [adam, mia]);
  assert.deepEqual(group.roles(olga), before);
  assert.deepEqual(group.row(olga).leaving, [leo.account]);
  assert(!group.isListed(eve) && group.isListed(max));
  const incarnation = 1;
  const send = (person: Person) =>
    world.code("message.send", world.message(person, group.id, { incarnation }));
  assert.deepEqual([max, eve, leo].map(send), ["ok", "not_a_member", "not_a_member"]);
  assert.equal(group.code(mia, { roles: [as(mia, "owner")] }, { incarnation }), "removals_pending");
  const gone = { remove: [leo.device], incarnation };
  assert.equal(group.code(adam, { remove: [leo.account] }, gone), "ok");
  assert(!group.isListed(leo));
});

everyBackend(
  "a member that was let in by a commit that is taken back hears of it, and is forgotten",
  (world) => {
    const [olga, adam, mia, eve] = ["olga", "adam", "mia", "eve"].map((name) =>
      world.register(name)
    );
    assert(olga && adam && mia && eve);
    const group = Group.create(world, [olga, adam, mia]);
    const commit = group.commit(olga, { add: [as(eve)] }, { add: [actor(eve)] });
    world.ok("conversation.commit", commit);
    takeBack(world, commit, [adam, mia]);
    const rows = world.read(eve, group.id);
    assert.deepEqual(rows.map(({ type }) => type), ["welcome", "rollback"]);
    world.ack(eve, group.id, rows.at(-1)?.seq ?? 0);
    const members = world.backend.tables.conversations.byId(group.id)?.members.length;
    assert.equal(members, 3);
  },
);

everyBackend(
  "owners and admins make a group anew, with the members and roles that it has",
  (world) => {
    const [olga, adam, mia, max] = ["olga", "adam", "mia", "max"].map((name) =>
      world.register(name)
    );
    assert(olga && adam && mia && max);
    const group = Group.create(world, [olga, adam, mia, max], { adam: "admin" });
    const before = group.roles(olga);
    const recreate = (person: Person, people: readonly Person[]) => {
      const { kind: _, with: __, ...made } = world.creation(group.id, [person, ...people]);
      return world.code("conversation.recreate", { ...made, incarnation: 0 });
    };
    assert.equal(recreate(mia, [olga, adam, max]), "not_allowed");
    assert.equal(recreate(adam, [world.register("eve")]), "roster_mismatch");
    assert.equal(group.leave(max), "ok");
    assert.equal(recreate(adam, [olga, mia, max]), "roster_mismatch");
    assert.equal(recreate(adam, [olga, mia]), "ok");
    assert.deepEqual(group.roles(olga), before);
    assert.deepEqual(group.row(olga).leaving, [max.account]);
    const incarnation = 1;
    const sending = (person: Person) =>
      world.code("message.send", world.message(person, group.id, { incarnation }));
    assert.deepEqual([olga, mia, max].map(sending), ["ok", "ok", "not_a_member"]);
    group.epoch = 1;
    assert.equal(group.code(mia, {}, { incarnation }), "removals_pending");
    assert.equal(group.code(mia, { remove: [max.account] }, { incarnation }), "ok");
    assert(!group.isListed(max));
  },
);

everyBackend("what was encrypted before somebody came is not taken after that", (world) => {
  const [olga, adam, mia, max] = ["olga", "adam", "mia", "max"].map((name) => world.register(name));
  assert(olga && adam && mia && max);
  const group = Group.create(world, [olga, adam, mia, max]);
  const before = group.epoch;
  const at = (epoch: number) => world.code("message.send", world.message(mia, group.id, { epoch }));
  group.change(adam);
  assert.equal(at(before), "ok");
  const late = world.message(mia, group.id, { epoch: before });
  assert.equal(world.code("message.send", late), "ok");
  group.remove(olga, max);
  group.add(olga, max);
  // What was taken is taken; the rest is encrypted anew, for everybody who is in by now.
  assert.equal(world.code("message.send", late), "ok");
  assert.deepEqual([before, group.epoch - 1].map(at), ["epoch_too_old", "epoch_too_old"]);
  assert.equal(at(group.epoch), "ok");
  group.change(adam);
  assert.equal(at(group.epoch - 1), "ok");
});

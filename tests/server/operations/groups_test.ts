import assert from "node:assert/strict";
import { mlsLimits, serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type Person, randomKey, type World } from "../../contract/world.ts";
import { as, change, creation, crowd, Group } from "./group_world.ts";

const people = (world: World, ...names: string[]) => names.map((name) => world.register(name));

/** Four people in a group: an owner, an admin and two members. */
function four(world: World) {
  const [olga, adam, mia, max] = people(world, "olga", "adam", "mia", "max");
  assert(olga && adam && mia && max);
  const group = Group.create(world, [olga, adam, mia, max], { adam: "admin" });
  return { group, olga, adam, mia, max };
}

everyBackend("a group has the members and roles that its first commit says", (world) => {
  const { group, olga, mia } = four(world);
  assert.deepEqual(group.roles(mia), {
    olga: "owner",
    adam: "admin",
    mia: "member",
    max: "member",
  });
  const { kind, state, leaving, unread } = group.row(mia);
  assert.deepEqual([kind, state, leaving, unread], ["group", "active", [], 0]);
  const [welcome] = world.read(mia, group.id);
  assert(welcome?.type === "welcome");
  assert.deepEqual([welcome.kind, welcome.state], ["group", "active"]);
  assert.deepEqual(welcome.members.find(({ account }) => account === olga.account)?.role, "owner");
  const info = world.ok("conversation.info", { ...actor(mia), conversation: group.id });
  assert.deepEqual([info.kind, info.members.length, info.roster.length], ["group", 4, 4]);
});

everyBackend("a group may begin with its creator alone, and has no partner", (world) => {
  const [olga, mia] = people(world, "olga", "mia");
  assert(olga && mia);
  const group = Group.create(world, [olga]);
  const again = Group.create(world, [olga, mia]);
  const third = Group.create(world, [olga, mia]);
  assert.equal(new Set([group.id, again.id, third.id]).size, 3);
  group.add(olga, mia);
  assert.deepEqual(group.roles(mia), { olga: "owner", mia: "member" });
});

everyBackend("a creation whose commit says something else than its devices is refused", (world) => {
  const [olga, mia, eve] = people(world, "olga", "mia", "eve");
  assert(olga && mia && eve);
  const input = creation(world, crypto.randomUUID(), { people: [olga, mia] });
  const code = (part: Partial<typeof input>) =>
    world.code("conversation.create", { ...input, ...part });
  const says = (...add: ReturnType<typeof as>[]) => ({ membership: change({ add }) });
  assert.equal(code(says(as(olga, "owner"))), "roster_mismatch");
  assert.equal(code(says(as(olga, "owner"), as(mia), as(eve))), "roster_mismatch");
  assert.equal(code(says(as(olga, "admin"), as(mia, "owner"))), "last_owner");
  assert.equal(code(says(as(mia, "owner"))), "last_owner");
  assert.equal(code({ membership: change({}) }), "last_owner");
  assert.equal(code({ roster: [actor(olga), actor(mia), actor(eve)] }), "roster_mismatch");
  const nobody = { account: crypto.randomUUID(), role: "member" as const };
  assert.equal(code(says(as(olga, "owner"), nobody)), "no_such_user");
  assert.equal(code({}), "ok");
  assert.equal(code({ hash: randomKey() }), "conversation_exists");
  const direct = {
    ...world.creation(crypto.randomUUID(), [olga, eve]),
    ...says(as(olga, "owner")),
  };
  assert.equal(world.code("conversation.create", direct), "roster_mismatch");
});

everyBackend("added members get nothing from before, removed ones nothing from after", (world) => {
  const { group, olga, adam, mia } = four(world);
  const eve = world.register("eve");
  const before = group.send(olga);
  const entry = group.add(adam, eve);
  const between = group.send(olga);
  const exit = group.remove(adam, eve);
  const after = group.send(olga);
  assert.deepEqual(world.read(eve, group.id).map(({ seq, type }) => [seq, type]), [
    [entry, "welcome"],
    [between, "message"],
    [exit, "commit"],
  ]);
  assert.deepEqual(world.read(mia, group.id).map(({ seq }) => seq), [
    1,
    before,
    entry,
    between,
    exit,
    after,
  ]);
  assert(!group.isListed(eve));
});

everyBackend("a removed member can neither send nor commit nor join nor ask again", (world) => {
  const { group, olga, adam, mia, max } = four(world);
  group.remove(adam, mia);
  assert.equal(group.sending(mia), "not_a_member");
  assert.equal(group.code(mia), "no_such_conversation");
  assert.equal(group.code(mia, {}, { external: true }), "no_such_conversation");
  const own = { ...actor(mia), conversation: group.id };
  assert.equal(world.code("conversation.info", own), "no_such_conversation");
  assert.equal(world.code("conversation.leave", own), "no_such_conversation");
  assert.equal(world.code("message.read", { ...own, seq: 1 }), "no_such_conversation");
  const last = world.read(mia, group.id).at(-1);
  assert.equal(last?.type, "commit");
  group.send(olga);
  world.ack(mia, group.id, 99);
  const rest = { ...own, after: 0, limit: 9, maxBytes: 999 };
  assert.equal(world.code("log.read", rest), "not_a_member");
  assert.deepEqual(group.roles(max), { olga: "owner", adam: "admin", max: "member" });
  group.add(adam, mia);
  assert.deepEqual(group.roles(mia)["mia"], "member");
  assert.equal(group.row(mia).unread, 0);
});

everyBackend("nobody gets power that they were not given", (world) => {
  const { group, olga, adam, mia, max } = four(world);
  const eve = world.register("eve");
  const joining = { add: [actor(eve)] };
  assert.equal(group.code(mia, { roles: [as(mia, "owner")] }), "not_allowed");
  assert.equal(group.code(mia, { roles: [as(mia, "admin")] }), "not_allowed");
  assert.equal(group.code(mia, { add: [as(eve)] }, joining), "not_allowed");
  assert.equal(group.code(mia, { remove: [max.account] }, { remove: [max.device] }), "not_allowed");
  assert.equal(group.code(adam, { roles: [as(adam, "owner")] }), "not_allowed");
  assert.equal(group.code(adam, { roles: [as(mia, "admin")] }), "not_allowed");
  assert.equal(group.code(adam, { add: [as(eve, "admin")] }, joining), "not_allowed");
  const owner = { remove: [olga.device] };
  assert.equal(group.code(adam, { remove: [olga.account] }, owner), "not_allowed");
  assert.equal(group.code(olga, { roles: [as(olga)] }), "last_owner");
  assert.deepEqual(group.roles(olga), {
    olga: "owner",
    adam: "admin",
    mia: "member",
    max: "member",
  });
  assert.equal(group.epoch, 1);
  group.promote(olga, mia, "owner");
  group.change(mia, { roles: [as(olga, "member")] });
  assert.deepEqual(group.roles(max), {
    olga: "member",
    adam: "admin",
    mia: "owner",
    max: "member",
  });
});

everyBackend("what a commit says about accounts must be what it does to devices", (world) => {
  const { group, olga, adam, mia, max } = four(world);
  const phone = world.enrol(mia);
  const eve = world.register("eve");
  const mismatch = (...args: Parameters<Group["code"]>) =>
    assert.equal(group.code(...args), "roster_mismatch");
  mismatch(olga, { add: [as(eve)] });
  mismatch(olga, {}, { add: [actor(eve)] });
  mismatch(olga, { add: [as(eve)] }, { add: [actor(phone)] });
  mismatch(olga, { remove: [max.account] });
  mismatch(olga, { add: [as(mia)] }, { add: [actor(phone)] });
  mismatch(olga, { remove: [eve.account] });
  // Devices of others are nobody's to take out, not even an owner's without removing the account.
  assert.equal(group.code(mia, {}, { remove: [max.device] }), "not_allowed");
  assert.equal(group.code(olga, {}, { remove: [max.device] }), "not_allowed");
  group.change(max, {}, { add: [actor(phone)] });
  mismatch(olga, { remove: [mia.account] }, { remove: [mia.device] });
  group.change(max, {}, { add: [actor(mia)], remove: [mia.device] });
  group.change(mia, {}, { remove: [phone.device] });
  group.remove(adam, mia);
});

everyBackend("a device that joins by itself changes nothing about accounts", (world) => {
  const { group, mia } = four(world);
  const phone = world.enrol(mia);
  const promoting = { roles: [as(mia, "owner")] };
  assert.equal(group.code(phone, promoting, { external: true }), "roster_mismatch");
  assert.equal(group.code(phone, {}, { external: true }), "ok");
  assert.equal(group.roles(mia)["mia"], "member");
});

everyBackend("whoever leaves gets nothing more but the commit that removes them", (world) => {
  const { group, olga, mia, max } = four(world);
  const phone = world.enrol(mia);
  group.change(mia, {}, { add: [actor(phone)] });
  assert.equal(group.leave(mia), "ok");
  assert.deepEqual(world.told("state")[0]?.devices, [phone.device]);
  const told = world.told("removals")[0];
  assert.deepEqual(told?.leaving, [mia.account]);
  assert.deepEqual(told?.removals.toSorted(), [mia.device, phone.device].toSorted());
  assert.deepEqual(told?.devices.includes(olga.device), true);
  assert.equal(group.row(mia).state, "left");
  assert.deepEqual(group.row(olga).leaving, [mia.account]);
  group.send(olga);
  assert.equal(group.sending(mia), "not_a_member");
  assert.equal(group.code(mia), "not_a_member");
  assert.equal(group.code(phone, {}, { external: true, remove: [phone.device] }), "not_a_member");
  const span = { ...actor(mia), conversation: group.id, after: 0, limit: 9, maxBytes: 999 };
  assert.equal(world.code("log.read", span), "not_a_member");
  // Everybody's next commit has to do it, and a member may.
  assert.equal(group.code(max), "removals_pending");
  const gone = { remove: [mia.device, phone.device] };
  assert.equal(group.code(max, {}, gone), "removals_pending");
  const exit = group.change(max, { remove: [mia.account] }, gone);
  assert.deepEqual(world.read(mia, group.id).map(({ seq, type }) => [seq, type]), [[
    exit,
    "commit",
  ]]);
  assert.deepEqual(world.read(phone, group.id).map(({ seq }) => seq), [exit]);
  world.ack(mia, group.id, exit);
  world.ack(phone, group.id, exit);
  assert(!group.isListed(mia));
  assert.deepEqual(Object.keys(group.roles(olga)), ["olga", "adam", "max"]);
  assert.equal(world.backend.tables.conversations.byId(group.id)?.members.length, 3);
  assert.equal(group.leave(mia), "no_such_conversation");
});

everyBackend(
  "an owner leaves when there is another, the last member deletes the group",
  (world) => {
    const { group, olga, adam, mia, max } = four(world);
    assert.equal(group.leave(olga), "last_owner");
    group.promote(olga, mia, "owner");
    assert.equal(group.leave(olga), "ok");
    assert.equal(group.leave(mia), "last_owner");
    group.remove(mia, olga);
    group.remove(mia, adam, max);
    const left = world.ok("conversation.leave", { ...actor(mia), conversation: group.id });
    assert.deepEqual(left.deleted, true);
    assert(!group.isListed(mia));
    assert.equal(group.sending(mia), "no_such_conversation");
    assert.equal(world.backend.tables.conversations.byId(group.id), undefined);
    // The id stays taken: somebody may still hold keys of that group.
    const again = creation(world, group.id, { people: [max] });
    assert.equal(world.code("conversation.create", again), "conversation_exists");
    assert.deepEqual(world.run("log.pending", actor(adam)).conversations, []);
  },
);

everyBackend("what waited in a deleted group counts for nobody any more", (world) => {
  const [olga, mia] = people(world, "olga", "mia");
  assert(olga && mia);
  const group = Group.create(world, [olga, mia]);
  world.send(olga, group.id, { bytes: new Uint8Array(1000) });
  const { accounts } = world.backend.tables;
  const key = accounts.byName("mia")?.key ?? 0;
  assert(accounts.queued(key) >= 1000);
  group.promote(olga, mia, "owner");
  assert.equal(group.leave(mia), "ok");
  assert.equal(accounts.queued(key), 0);
  assert.equal(group.leave(olga), "ok");
  assert.deepEqual(world.stored(group.id), []);
});

everyBackend("members are told of what concerns them: added, removed, another role", (world) => {
  const { group, olga, adam, mia } = four(world);
  const eve = world.register("eve");
  const kinds = (person: Person) =>
    world.notifications(person).filter(({ kind }) => kind.startsWith("group_"))
      .map(({ kind, from, role }) => [kind, from, role]);
  assert.deepEqual(kinds(mia), [["group_added", "olga", undefined]]);
  assert.deepEqual(kinds(olga), []);
  group.add(adam, eve);
  group.promote(olga, eve, "admin");
  group.promote(olga, eve, "admin");
  group.remove(olga, eve);
  assert.deepEqual(kinds(eve), [
    ["group_added", "adam", undefined],
    ["group_role", "olga", "admin"],
    ["group_removed", "olga", undefined],
  ]);
  assert.equal(world.notifications(eve)[0]?.conversation, group.id);
  for (let round = 0; round < 3; round++) {
    group.add(adam, eve);
    group.remove(adam, eve);
  }
  assert.deepEqual(kinds(eve), [
    ["group_role", "olga", "admin"],
    ["group_added", "adam", undefined],
    ["group_removed", "adam", undefined],
  ]);
});

everyBackend(
  "of many commits for one epoch one wins, and everybody reads the same rows",
  (world) => {
    const members = people(world, "one", "two", "three", "four", "five", "six");
    const [first] = members;
    assert(first);
    const group = Group.create(world, members);
    for (let round = 0; round < 5; round++) {
      const codes = world.batch(
        members.map((person) => ({ name: "conversation.commit", input: group.commit(person) })),
      ).map((ending) => ending.ok ? Reflect.get(ending.result, "code") ?? "ok" : "failed");
      assert.equal(codes.filter((code) => code === "ok").length, 1);
      assert.equal(codes.filter((code) => code === "epoch_conflict").length, members.length - 1);
      group.epoch += 1;
    }
    const rows = members.map((person) => world.read(person, group.id).map(({ seq }) => seq));
    const all = [1, 2, 3, 4, 5, 6];
    for (const [index, person] of members.entries()) {
      const own = world.backend.tables.log.read(1, {
        after: 0,
        through: 9,
        device: 0,
        account: 0,
        limit: 9,
        maxBytes: undefined,
      }).filter(({ device }) =>
        world.backend.tables.devices.byKey(device).device === person.device
      );
      assert.deepEqual(rows[index], all.filter((seq) => !own.some((row) => row.seq === seq)));
    }
    assert.equal(group.row(first).epoch, 6);
  },
);

everyBackend("a member that was away for 50 epochs gets every row of them, in order", (world) => {
  const { group, olga, mia } = four(world);
  world.ack(mia, group.id, 1);
  const seqs: number[] = [];
  for (let epoch = 0; epoch < 50; epoch++) {
    seqs.push(group.change(olga), group.send(olga));
  }
  const rows = world.read(mia, group.id, 1);
  assert.deepEqual(rows.map(({ seq }) => seq), seqs);
  // Its own late message is refused until it has caught up.
  const late = world.message(mia, group.id, { epoch: 1 });
  assert.equal(world.code("message.send", late), "epoch_too_old");
  assert.equal(group.sending(mia), "ok");
});

everyBackend("a group holds 200 devices, and not one more", (world) => {
  const members = crowd(world, mlsLimits.groupDevices / 2).map((person) =>
    [person, world.enrol(person)] as const
  );
  const [first, second] = members;
  assert(first && second);
  const eve = world.register("eve");
  const group = Group.create(world, members.flat());
  assert.equal(group.code(first[0], { add: [as(eve)] }, { add: [actor(eve)] }), "group_full");
  const phone = world.enrol(first[0]);
  assert.equal(group.code(phone, {}, { external: true }), "group_full");
  assert.equal(group.row(second[1]).members.length, members.length);
  group.send(first[0]);
  const told = world.told("log")[0]?.devices.length;
  assert.equal(told, mlsLimits.groupDevices - 1);
  const swap = { add: [actor(eve)], remove: second.map(({ device }) => device) };
  const accounts = { add: [as(eve)], remove: [second[0].account] };
  assert.equal(group.code(first[0], accounts, swap), "ok");
});

everyBackend("one account creates only so many groups, and adds only so many accounts", (world) => {
  const [olga, mia] = people(world, "olga", "mia");
  assert(olga && mia);
  const create = (person: Person, other?: Person) => {
    const people = other === undefined ? [person] : [person, other];
    return world.code("conversation.create", creation(world, crypto.randomUUID(), { people }));
  };
  const codes = Array.from({ length: 1000 }, (_, index) => {
    if (index % serverLimits.groupsPerHour === 0) world.now += 60 * 60 * 1000;
    return create(olga);
  });
  assert.equal(codes.filter((code) => code === "ok").length, serverLimits.groupsPerAccount);
  assert.equal(codes.at(-1), "too_many_groups");
  const quick = Array.from({ length: serverLimits.groupsPerHour + 1 }, () => create(mia, olga));
  assert.equal(quick.at(-1), "rate_limited");
  assert.deepEqual(new Set(quick.slice(0, -1)), new Set(["ok"]));
});

everyBackend("receipts of a group go to those who sent what was received", (world) => {
  const { group, olga, adam, mia, max } = four(world);
  for (const person of [adam, mia, max]) world.ack(person, group.id, 1);
  const phone = world.enrol(max);
  group.change(max, {}, { add: [actor(phone)] });
  const sent = group.send(adam);
  world.ack(mia, group.id, sent);
  assert.deepEqual(world.told("receipt")[0]?.devices, [adam.device]);
  world.ack(max, group.id, sent);
  assert.deepEqual(
    world.told("receipt")[0]?.devices.toSorted(),
    [adam.device, phone.device].toSorted(),
  );
  world.markRead(olga, group.id, sent);
  assert.deepEqual(world.told("receipt")[0]?.devices.includes(mia.device), false);
  assert.deepEqual(world.told("receipt")[0]?.devices.includes(adam.device), true);
});

everyBackend("long lists of large groups come in pages that hold all of them", (world) => {
  const members = crowd(world, 120);
  const [first] = members;
  assert(first);
  const groups = Array.from({ length: 8 }, () => Group.create(world, members).id);
  const seen: string[] = [];
  for (let after: string | undefined, pages = 0;;) {
    const query = { ...actor(first), after, limit: 50 };
    const { conversations, more } = world.run("conversation.list", query);
    seen.push(...conversations.map(({ conversation }) => conversation));
    assert(conversations.length > 0 && conversations.length <= 4 && ++pages < 20);
    if (!more) break;
    after = seen.at(-1);
  }
  assert.deepEqual(seen, groups.toSorted());
});

import assert from "node:assert/strict";
import { decodeEntry } from "../../../lib/directory/entry.ts";
import { actor, everyBackend, type Person, type World } from "../../contract/world.ts";
import { Group } from "./group_world.ts";

const remove = (world: World, name: string) => world.ok("admin.delete", { name });

/** Uploads a file and finishes it. */
function upload(world: World, person: Person, conversation: string): string {
  const file: string = crypto.randomUUID();
  world.ok("file.begin", { ...actor(person), conversation, file, size: 1000 });
  world.ok("file.finish", { ...actor(person), file, sealed: true });
  return file;
}

const logIn = (world: World, { device }: Person) =>
  world.code("login.device", { device, arrival: world.arrival() });

everyBackend("a deleted account gets in by no way, and its name stays taken", (world) => {
  const sam = world.register("Sam");
  const phone = world.enrol(sam);
  assert.equal(remove(world, "sAM").name, "Sam");
  assert.deepEqual(
    world.told("deleted").map(({ device }) => device).sort(),
    [sam.device, phone.device].sort(),
  );
  assert.equal(world.told("presence").at(-1)?.user.online, false);
  assert.deepEqual([logIn(world, sam), logIn(world, phone)], [
    "account_deleted",
    "account_deleted",
  ]);
  const login = { name: "sam", remote: "192.0.2.7" };
  assert.equal(world.code("login.start", login), "account_deleted");
  assert.equal(world.code("login.succeeded", login), "account_deleted");
  const { account } = sam;
  const enrolled = { account, device: "x", certificate: "y", label: "z", arrival: world.arrival() };
  assert.equal(world.code("device.enrol", enrolled), "account_deleted");
  assert.equal(world.code("account.register", world.registration("SAM")), "name_taken");
  assert.equal(world.run("account.exists", { name: "sam" }).exists, true);
  assert.equal(world.code("admin.disable", { name: "sam", disabled: false }), "account_deleted");
  assert.equal(world.code("admin.delete", { name: "sam" }), "no_such_user");
  assert.equal(world.code("admin.delete", { name: "nobody" }), "no_such_user");
});

everyBackend(
  "the directory's log says that it is gone, and keeps its keys by id alone",
  (world) => {
    const sam = world.register("sam");
    world.register("erik");
    const before = world.run("directory.head", {}).size;
    remove(world, "sam");
    const { entries } = world.run("directory.entries", { from: before, limit: 10 });
    const [entry, ...others] = entries.map(decodeEntry);
    assert.deepEqual(entry, { v: 1, type: "removal", accountId: sam.account, at: world.now });
    assert.deepEqual(others, []);
    const keys = (who: { name?: string; account?: string }) =>
      world.code("directory.keys", { name: undefined, account: undefined, ...who });
    assert.deepEqual([keys({ name: "sam" }), keys({ account: sam.account })], [
      "no_such_user",
      "ok",
    ]);
    const all = { scope: "all", after: undefined, limit: 10 } as const;
    assert.deepEqual(world.run("directory.users", all).users.map(({ name }) => name), ["erik"]);
    const { users } = world.run("admin.users", { after: undefined, limit: 10 });
    assert.deepEqual(users.map(({ name, deletedAt }) => [name, deletedAt]), [
      ["erik", null],
      ["sam", world.now],
    ]);
  },
);

everyBackend(
  "a direct conversation stays readable for the other, who is told that nobody is there",
  (world) => {
    const [erik, sam, rae] = ["erik", "sam", "rae"].map((name) => world.register(name));
    assert(erik && sam && rae);
    const conversation = world.converse(erik, sam);
    const [first, second] = [world.send(sam, conversation), world.send(erik, conversation)];
    assert(world.backend.tables.accounts.queued(accountKey(world, "sam")) > 0);
    assert.deepEqual(remove(world, "sam"), {
      ...{ ok: true, name: "sam", account: sam.account, groups: 0, direct: 1, files: 0 },
    });
    assert.equal(world.backend.tables.accounts.queued(accountKey(world, "sam")), 0);
    assert.deepEqual(world.read(erik, conversation).map(({ seq }) => seq).includes(first), true);
    assert.equal(world.code("message.send", world.message(erik, conversation)), "no_such_user");
    assert.equal(
      world.code("conversation.create", world.creation(crypto.randomUUID(), [rae, sam])),
      "no_such_user",
    );
    // Nothing is kept for it: what erik has, too, is deleted.
    world.ack(erik, conversation, second);
    world.run("retention.run", {});
    assert.deepEqual(world.stored(conversation), []);
    // The last one takes the conversation along.
    remove(world, "erik");
    assert.equal(world.backend.tables.conversations.byId(conversation), undefined);
  },
);

function accountKey(world: World, name: string): number {
  const account = world.backend.tables.accounts.byName(name);
  assert(account);
  return account.key;
}

everyBackend(
  "its groups go on: everybody's next commit takes it out, also where it was the only owner",
  (world) => {
    const [sam, erik, rae] = ["sam", "erik", "rae"].map((name) => world.register(name));
    assert(sam && erik && rae);
    const group = Group.create(world, [sam, erik, rae], { erik: "admin" });
    group.send(rae);
    assert.equal(remove(world, "sam").groups, 1);
    const [told] = world.told("removals");
    assert.deepEqual([told?.leaving, told?.removals], [[sam.account], [sam.device]]);
    assert.equal(group.code(erik), "removals_pending");
    group.remove(rae, sam);
    assert.deepEqual(group.roles(erik), { erik: "admin", rae: "member" });
    group.send(erik);
    assert.deepEqual(world.read(rae, group.id).at(-1)?.type, "message");
    // Whom an admin may add can still be added; the deleted one cannot.
    assert.equal(
      group.code(erik, { add: [{ account: sam.account, role: "member" }] }, {
        add: [actor(sam)],
      }),
      "no_such_user",
    );
    // Whoever is left alone in a group takes it along.
    const own = Group.create(world, [rae]);
    remove(world, "rae");
    assert.equal(world.backend.tables.conversations.byId(own.id), undefined);
    assert(world.backend.tables.conversations.byId(group.id));
  },
);

everyBackend("its files go, and those of others that only it had not fetched", (world) => {
  const [sam, erik, rae] = ["sam", "erik", "rae"].map((name) => world.register(name));
  assert(sam && erik && rae);
  const group = Group.create(world, [sam, erik, rae]);
  const direct = world.converse(erik, sam);
  const mine = upload(world, sam, group.id);
  const begun = { ...actor(sam), conversation: direct, file: crypto.randomUUID(), size: 1000 };
  world.ok("file.begin", begun);
  const [toAll, toSam] = [upload(world, erik, group.id), upload(world, erik, direct)];
  assert.equal(remove(world, "sam").files, 3);
  assert.deepEqual(
    world.told("discard").map(({ file }) => file).sort(),
    [mine, begun.file, toSam].sort(),
  );
  assert.equal(world.code("file.locate", { ...actor(rae), file: toAll }), "ok");
  assert.equal(world.code("file.locate", { ...actor(rae), file: mine }), "not_found");
});

everyBackend("nothing of it is left that it kept for itself", (world) => {
  const [sam, erik] = ["sam", "erik"].map((name) => world.register(name));
  assert(sam && erik);
  const key = accountKey(world, "sam");
  const { tables } = world.backend;
  tables.archive.put(key, { position: 1, revision: 1, bytes: new Uint8Array(9), at: world.now });
  world.ok("account.block", { ...actor(sam), other: erik.account });
  world.ok("account.block", { ...actor(erik), other: sam.account });
  world.enrol(sam);
  assert(world.notifications(sam).length > 0);
  remove(world, "sam");
  assert.deepEqual(tables.archive.head(key), { position: 0, revision: 0, bytes: 0 });
  assert.equal(tables.archive.read(key, 1), undefined);
  assert.deepEqual([tables.accounts.record(key), tables.accounts.vault(key).length], ["", 0]);
  assert.equal(tables.contacts.blockedCount(key), 0);
  assert.equal(tables.contacts.blockedCount(accountKey(world, "erik")), 0);
  assert.deepEqual(tables.notifications.list(key, { unseen: false, after: 0, limit: 9 }), []);
});

import assert from "node:assert/strict";
import { fromBase64url } from "../../../lib/base/bytes.ts";
import { decodeEntry } from "../../../lib/directory/entry.ts";
import { leafHash } from "../../../lib/directory/hash.ts";
import { rootOf } from "../../../lib/directory/tree.ts";
import { verifyConsistency, verifyInclusion } from "../../../lib/directory/verify.ts";
import { actor, everyBackend } from "../../contract/world.ts";

everyBackend("users are listed in pages by name, all of them or those online", (world) => {
  const people = ["Cleo", "anna", "Bob"].map((name) => world.register(name));
  const page = (scope: "all" | "online", after?: string) => {
    const { users, more } = world.run("directory.users", { scope, after, limit: 2 });
    return [users.map(({ name }) => name), more];
  };
  for (const scope of ["all", "online"] as const) {
    assert.deepEqual(page(scope), [["anna", "Bob"], true]);
    assert.deepEqual(page(scope, "BOB"), [["Cleo"], false]);
  }
  world.run("session.close", people[1]?.arrival ?? { gateway: 0, session: "" });
  assert.deepEqual(page("online"), [["Bob", "Cleo"], false]);
  assert.deepEqual(page("all"), [["anna", "Bob"], true]);
});

everyBackend("keys come with an entry whose inclusion is proven", (world) => {
  const people = ["anna", "bob", "cleo", "dan", "eve"].map((name) => world.register(name));
  for (const person of people) {
    const phone = world.enrol(person);
    world.revoke(person, phone);
    const query = { name: person.name.toUpperCase(), account: undefined };
    const keys = world.ok("directory.keys", query);
    assert.equal(keys.certificates.length, 2);
    assert.equal(keys.revocations.length, 1);
    const entry = decodeEntry(keys.entry);
    assert(entry.type === "account");
    assert.deepEqual([entry.name, entry.accountId], [person.name, person.account]);
    assert.deepEqual(entry.accountKey, fromBase64url(keys.accountKey));
    const claim = {
      leaf: leafHash(keys.entry),
      index: keys.index,
      size: keys.size,
      path: keys.path.map(fromBase64url),
      root: fromBase64url(keys.root),
    };
    assert(verifyInclusion(claim));
    const byId = world.ok("directory.keys", { name: undefined, account: person.account });
    assert.equal(byId.name, person.name);
  }
  const unknown = { name: "nobody", account: undefined };
  assert.equal(world.code("directory.keys", unknown), "no_such_user");
});

everyBackend(
  "the log only grows: every head continues every earlier one, and its entries make its root",
  (world) => {
    const heads = [world.run("directory.head", {})];
    for (const name of ["anna", "bob", "cleo", "dan"]) {
      world.enrol(world.register(name));
      heads.push(world.run("directory.head", {}));
    }
    for (const [index, older] of heads.entries()) {
      for (const newer of heads.slice(index)) {
        const { path } = world.ok("directory.consistency", { from: older.size, to: newer.size });
        assert(verifyConsistency({
          oldSize: older.size,
          newSize: newer.size,
          oldRoot: fromBase64url(older.root),
          newRoot: fromBase64url(newer.root),
          path: path.map(fromBase64url),
        }));
      }
    }
    const last = heads.at(-1);
    const { entries } = world.run("directory.entries", { from: 0, limit: 64 });
    assert.deepEqual(rootOf(entries.map(leafHash)), fromBase64url(last?.root ?? ""));
    assert.equal(world.run("directory.entries", { from: 3, limit: 2 }).entries.length, 2);
    assert.equal(world.code("directory.consistency", { from: 1, to: 1000 }), "not_found");
    assert.equal(world.code("directory.consistency", { from: 3, to: 2 }), "not_found");
  },
);

everyBackend("what others see of an account is its name, presence and addresses", (world) => {
  const erik = world.register("erik");
  const phone = world.enrol(erik);
  const [user] = world.run("directory.users", { scope: "all", after: undefined, limit: 9 }).users;
  assert.deepEqual(user, {
    name: "erik",
    account: erik.account,
    online: true,
    addresses: [erik.welcome.address, phone.welcome.address],
    lastSeen: world.now,
  });
  assert.equal(world.run("device.list", actor(erik)).devices.length, 2);
});

import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, randomKey } from "../../contract/world.ts";

everyBackend("an account exists from its registration on, in any case of its name", (world) => {
  assert.deepEqual(world.run("account.exists", { name: "Erik" }), { exists: false });
  const erik = world.register("Erik");
  assert.deepEqual(world.run("account.exists", { name: "eRIK" }), { exists: true });
  assert.equal(erik.welcome.name, "Erik");
  assert.equal(erik.welcome.address, "10.8.0.1");
  assert.deepEqual([erik.welcome.unread, erik.welcome.notifications], [0, 0]);
  assert.deepEqual([erik.welcome.keyPackages, erik.welcome.lastResortAt], [0, null]);
});

everyBackend("bad and taken names are refused before and at registration", (world) => {
  world.register("sam");
  const remote = "192.0.2.9";
  for (const name of ["ab", "-abc", "a b c", "x".repeat(33), "päul", "\u001b[31m"]) {
    assert.equal(world.code("account.registrable", { name, remote }), "invalid_name");
    assert.equal(world.code("account.register", world.registration(name)), "invalid_name");
  }
  assert.equal(world.code("account.registrable", { name: "SAM", remote }), "name_taken");
  assert.equal(world.code("account.register", world.registration("Sam")), "name_taken");
  assert.equal(world.code("account.registrable", { name: "sam2", remote }), "ok");
});

everyBackend("a registration repeated after a lost answer is accepted again", (world) => {
  const input = world.registration("erik");
  const first = world.ok("account.register", input);
  const again = world.ok("account.register", input);
  assert.equal(again.account, first.account);
  assert.equal(world.run("directory.head", {}).size, 2);
});

everyBackend(
  "an account or device id that exists cannot be registered under another name",
  (world) => {
    const input = world.registration("erik");
    world.ok("account.register", input);
    const other = world.registration("mallory");
    const stolen = { ...other, account: input.account };
    assert.equal(world.code("account.register", stolen), "invalid_certificate");
    const device = { ...other, device: input.device, arrival: world.arrival({ replace: true }) };
    assert.equal(world.code("account.register", device), "invalid_certificate");
  },
);

everyBackend("registrations from one address are limited per hour", (world) => {
  for (let i = 0; i < serverLimits.registrationsPerAddressPerHour; i++) world.register(`user${i}`);
  const next = world.registration("onemore");
  const refused = world.run("account.register", next);
  assert(!refused.ok && refused.code === "rate_limited" && "retryAfterMs" in refused);
  assert.equal(world.code("account.register", { ...next, remote: "192.0.2.2" }), "ok");
  world.now += refused.retryAfterMs ?? 0;
  world.register("later");
});

everyBackend("beginnings of registrations from one address are limited per hour", (world) => {
  const { registrationsPerAddressPerHour, startsPerRegistration } = serverLimits;
  const start = { name: "erik", remote: "192.0.2.1" };
  const most = registrationsPerAddressPerHour * startsPerRegistration;
  const endings = world.batch(
    Array.from({ length: most }, () => ({ name: "account.registrable", input: start })),
  );
  assert(endings.every((each) => each.ok && "ok" in each.result && each.result.ok === true));
  const refused = world.run("account.registrable", start);
  assert(!refused.ok && refused.code === "rate_limited");
  assert.equal(world.code("account.registrable", { ...start, remote: "192.0.2.2" }), "ok");
  world.now += refused.retryAfterMs ?? 0;
  assert.equal(world.code("account.registrable", start), "ok");
});

everyBackend("a server that is closed for registration says so", (world) => {
  const remote = "192.0.2.1";
  assert.equal(world.code("account.registrable", { name: "erik", remote }), "registration_closed");
  assert.equal(world.code("account.register", world.registration("erik")), "registration_closed");
}, { registration: "closed" });

everyBackend("a password change stores record and vault together", (world) => {
  const erik = world.register("erik");
  const before = world.ok("password.record", actor(erik));
  assert.deepEqual([before.name, before.record], ["erik", "record of erik"]);
  const vault = new Uint8Array([9, 9]);
  world.ok("password.change", { ...actor(erik), record: "new", vault });
  assert.equal(world.ok("password.record", actor(erik)).record, "new");
  assert.deepEqual(new Uint8Array(world.ok("vault.get", actor(erik)).vault), vault);
});

everyBackend("an actor whose device belongs to another account is nobody", (world) => {
  const erik = world.register("erik");
  const sam = world.register("sam");
  const forged = { account: erik.account, device: sam.device };
  assert.equal(world.code("vault.get", forged), "unknown_device");
  assert.equal(world.code("vault.get", { ...actor(erik), device: randomKey() }), "unknown_device");
});

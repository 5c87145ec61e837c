import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, randomKey } from "../../contract/world.ts";

everyBackend("a new device is noticed by the account's others and listed in order", (world) => {
  const erik = world.register("erik");
  const phone = world.enrol(erik, "phone");
  const [told] = world.told("notification");
  assert.deepEqual(told?.devices, [erik.device]);
  assert.deepEqual(
    [told?.notification.kind, told?.notification.device, told?.notification.label],
    ["device_added", phone.device, "phone"],
  );
  const { devices } = world.run("device.list", actor(erik));
  assert.deepEqual(
    devices.map(({ device, label, online, revoked }) => [device, label, online, revoked]),
    [
      [erik.device, "laptop", true, false],
      [phone.device, "phone", true, false],
    ],
  );
});

everyBackend("an enrolment repeated after a lost answer adds nothing", (world) => {
  const erik = world.register("erik");
  const phone = world.enrol(erik);
  const input = {
    ...actor(phone),
    certificate: randomKey(),
    label: "phone",
    arrival: phone.arrival,
  };
  assert.equal(world.code("device.enrol", input), "ok");
  assert.equal(world.run("device.list", actor(erik)).devices.length, 2);
  assert.equal(world.run("directory.head", {}).size, 3);
  const sam = world.register("sam");
  assert.equal(
    world.code("device.enrol", { ...input, account: sam.account }),
    "invalid_certificate",
  );
});

everyBackend("an account has at most as many active devices as it may", (world) => {
  const erik = world.register("erik");
  const phones = Array.from(
    { length: serverLimits.devicesPerAccount - 1 },
    () => world.enrol(erik),
  );
  const next = {
    account: erik.account,
    device: randomKey(),
    certificate: randomKey(),
    label: "one more",
    arrival: world.arrival(),
  };
  assert.equal(world.code("device.enrol", next), "too_many_devices");
  const [phone] = phones;
  assert(phone !== undefined);
  world.revoke(erik, phone);
  assert.equal(world.code("device.enrol", next), "ok");
  const again = { ...next, device: phone.device };
  assert.equal(world.code("device.enrol", again), "device_revoked");
});

everyBackend("adding and removing devices in a loop ends for a day", (world) => {
  const erik = world.register("erik");
  for (let count = 0; count < serverLimits.enrolmentsPerDay; count++) {
    world.revoke(erik, world.enrol(erik));
  }
  const { size } = world.run("directory.head", {});
  const next = {
    account: erik.account,
    device: randomKey(),
    certificate: randomKey(),
    label: "one more",
    arrival: world.arrival(),
  };
  const refused = world.run("device.enrol", next);
  assert(!refused.ok && refused.code === "rate_limited" && "retryAfterMs" in refused);
  assert.equal(world.run("directory.head", {}).size, size);
  world.enrol(world.register("sam"));
  world.now += refused.retryAfterMs ?? 0;
  assert.equal(world.code("device.enrol", next), "ok");
});

everyBackend("a revoked device is thrown out everywhere at once", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const [phone, tablet] = [world.enrol(sam), world.enrol(sam, "tablet")];
  const conversation = world.converse(erik, sam, phone);
  const packages = [{ ref: "a", lastResort: false, bytes: new Uint8Array(9) }];
  world.ok("keypackages.put", { ...actor(phone), packages });
  world.send(erik, conversation);
  world.revoke(sam, phone);
  assert.deepEqual(world.told("revoked"), [{ kind: "revoked", device: phone.device }]);
  assert.equal(world.told("presence")[0]?.user.addresses.length, 2);
  assert.deepEqual(world.told("notification").map(({ devices }) => devices), [[tablet.device]]);
  assert.deepEqual(world.told("notification").map(({ notification }) => notification.kind), [
    "device_removed",
  ]);
  assert.equal(world.code("message.send", world.message(phone, conversation)), "not_a_member");
  const span = { conversation, after: 0, limit: 9, maxBytes: 999 };
  assert.equal(world.code("log.read", { ...actor(phone), ...span }), "not_a_member");
  assert.equal(world.code("vault.get", actor(phone)), "device_revoked");
  assert.equal(
    world.code("conversation.info", { ...actor(phone), conversation }),
    "device_revoked",
  );
  const claim = { ...actor(erik), target: sam.account, conversation: crypto.randomUUID() };
  assert.deepEqual(world.ok("keypackages.claim", claim).missing, [sam.device, tablet.device]);
  world.send(erik, conversation);
  assert.deepEqual(world.told("log").map(({ devices }) => devices), [[sam.device]]);
  world.ack(sam, conversation, 3);
  assert.deepEqual(world.stored(conversation), []);
});

everyBackend("devices of others and unknown ones cannot be revoked; again is harmless", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const phone = world.enrol(sam);
  const revocation = randomKey();
  const foreign = { ...actor(erik), revoked: phone.device, revocation };
  assert.equal(world.code("device.revoke", foreign), "unknown_device");
  assert.equal(world.code("device.revoke", { ...foreign, revoked: randomKey() }), "unknown_device");
  world.revoke(sam, phone);
  const size = world.run("directory.head", {}).size;
  world.revoke(sam, phone);
  assert.equal(world.run("directory.head", {}).size, size);
});

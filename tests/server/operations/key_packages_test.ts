import assert from "node:assert/strict";
import { mlsLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type Person, type World } from "../../contract/world.ts";

function put(world: World, person: Person, refs: string[], lastResort?: string): number {
  const bytes = (ref: string) => new TextEncoder().encode(`package ${ref}`);
  const packages = refs.map((ref) => ({ ref, lastResort: false, bytes: bytes(ref) }));
  if (lastResort !== undefined) {
    packages.push({ ref: lastResort, lastResort: true, bytes: bytes(lastResort) });
  }
  return world.ok("keypackages.put", { ...actor(person), packages }).keyPackages;
}

function claim(world: World, by: Person, target: Person, conversation: string) {
  const input = { ...actor(by), target: target.account, conversation };
  const { packages, missing } = world.ok("keypackages.claim", input);
  return { refs: packages.map(({ ref }) => ref), missing };
}

const newId = (): string => crypto.randomUUID();

everyBackend("packages are counted, stored once, and told of at arrival", (world) => {
  const erik = world.register("erik");
  assert.equal(put(world, erik, ["a", "b"]), 2);
  assert.equal(put(world, erik, ["b", "c"], "last"), 3);
  const arrival = world.arrival({ replace: true });
  const welcome = world.ok("login.device", { device: erik.device, arrival });
  assert.deepEqual([welcome.keyPackages, welcome.lastResortAt], [3, world.now]);
  const many = Array.from({ length: 2 * mlsLimits.keyPackages }, (_, i) => `many${i}`);
  const packages = many.map((ref) => ({ ref, lastResort: false, bytes: new Uint8Array(1) }));
  assert.equal(world.code("keypackages.put", { ...actor(erik), packages }), "quota_exceeded");
});

everyBackend(
  "each claim gets a package of its own per device, and the same again when repeated",
  (world) => {
    const [erik, sam, eve] = [world.register("erik"), world.register("sam"), world.register("eve")];
    const phone = world.enrol(sam);
    put(world, sam, ["s1", "s2"]);
    put(world, phone, ["p1", "p2"]);
    const [one, two] = [newId(), newId()];
    assert.deepEqual(claim(world, erik, sam, one), { refs: ["s1", "p1"], missing: [] });
    assert.deepEqual(claim(world, erik, sam, one), { refs: ["s1", "p1"], missing: [] });
    assert.deepEqual(claim(world, eve, sam, two), { refs: ["s2", "p2"], missing: [] });
    assert.deepEqual(claim(world, erik, sam, newId()), {
      refs: [],
      missing: [sam.device, phone.device],
    });
  },
);

everyBackend("the last resort serves when all else is gone, and stays", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  put(world, sam, ["s1"], "last");
  assert.deepEqual(claim(world, erik, sam, newId()).refs, ["s1"]);
  for (let i = 0; i < 3; i++) assert.deepEqual(claim(world, erik, sam, newId()).refs, ["last"]);
  put(world, sam, [], "newer");
  assert.deepEqual(claim(world, erik, sam, newId()).refs, ["newer"]);
});

everyBackend("a package is consumed by the commit for which it was claimed", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  put(world, sam, ["s1", "s2"]);
  const conversation = newId();
  claim(world, erik, sam, conversation);
  world.ok("conversation.create", world.creation(conversation, [erik, sam]));
  world.now += mlsLimits.claimReservationMs + 1;
  world.run("retention.run", {});
  assert.deepEqual(claim(world, erik, sam, newId()).refs, ["s2"]);
  // Nobody is missing from the conversation, so there is nothing to claim for it.
  assert.deepEqual(claim(world, erik, sam, conversation), { refs: [], missing: [] });
});

everyBackend("one's own other devices can be claimed, never the claiming one", (world) => {
  const erik = world.register("erik");
  const phone = world.enrol(erik);
  put(world, erik, ["e1"]);
  put(world, phone, ["p1"]);
  assert.deepEqual(claim(world, erik, erik, newId()).refs, ["p1"]);
});

everyBackend("a claim that nobody uses is released after a day", (world) => {
  const [erik, sam, eve] = [world.register("erik"), world.register("sam"), world.register("eve")];
  put(world, sam, ["s1"]);
  assert.deepEqual(claim(world, erik, sam, newId()).refs, ["s1"]);
  world.now += mlsLimits.claimReservationMs - 1;
  world.run("retention.run", {});
  assert.deepEqual(claim(world, eve, sam, newId()).refs, []);
  world.now += 2;
  world.run("retention.run", {});
  assert.deepEqual(claim(world, eve, sam, newId()).refs, ["s1"]);
});

everyBackend("claims are limited per minute and account", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  for (let i = 0; i < mlsLimits.claimsPerMinute; i++) claim(world, erik, sam, newId());
  const input = { ...actor(erik), target: sam.account, conversation: newId() };
  const refused = world.run("keypackages.claim", input);
  assert(!refused.ok && refused.code === "rate_limited");
  assert.deepEqual(claim(world, sam, erik, newId()).missing, [erik.device]);
  world.now += refused.retryAfterMs ?? 0;
  assert.equal(world.code("keypackages.claim", input), "ok");
  assert.equal(world.code("keypackages.claim", { ...input, target: newId() }), "no_such_user");
});

everyBackend("nobody alone sets aside all packages of a device", (world) => {
  const [erik, sam, eve] = [world.register("erik"), world.register("sam"), world.register("eve")];
  const refs = Array.from({ length: mlsLimits.reservedPackages + 1 }, (_, at) => `s${at}`);
  put(world, sam, refs, "last");
  const claims = refs.map(() => claim(world, eve, sam, newId()).refs);
  assert.deepEqual(claims, [...refs.slice(0, -1), "last"].map((ref) => [ref]));
  assert.deepEqual(claim(world, erik, sam, newId()).refs, refs.slice(-1));
});

import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { delayAfter, failuresWorthTelling } from "../../../server/domain/login_delay.ts";
import { everyBackend, type World } from "../../contract/world.ts";

const remote = "192.0.2.7";

/** Begins attempts, each as soon as it is allowed; returns the waits that were asked for. */
function failLogins(world: World, name: string, count: number): number[] {
  const waits: number[] = [];
  while (waits.length < count) {
    const result = world.run("login.start", { name, remote });
    if (result.ok) waits.push(0);
    else {
      assert.equal(result.code, "too_many_attempts");
      world.now += result.retryAfterMs ?? 0;
      assert(world.run("login.start", { name, remote }).ok);
      waits.push(result.retryAfterMs ?? 0);
    }
  }
  return waits;
}

everyBackend("login answers the record of a known name and none for an unknown one", (world) => {
  world.register("erik");
  assert.deepEqual(world.ok("login.start", { name: "ERIK", remote }).record, "record of erik");
  assert.equal(world.ok("login.start", { name: "nobody", remote }).record, undefined);
});

everyBackend("waits grow after failures, alike for known and unknown names", (world) => {
  world.register("erik");
  const known = failLogins(world, "erik", 7);
  world.now += 2 * 24 * 60 * 60 * 1000;
  const unknown = failLogins(world, "nobody", 7);
  assert.deepEqual(known, unknown);
  assert.deepEqual(known.slice(0, 4), [0, 0, 0, 0]);
  assert.deepEqual(known.slice(4), [4, 5, 6].map((count) => delayAfter(count + 0)));
  assert.equal(delayAfter(serverLimits.freeLoginFailures + 1), serverLimits.loginDelayFirstMs);
});

everyBackend(
  "a success forgives the name's failures, and of the address's only its own",
  (world) => {
    const free = serverLimits.freeLoginFailuresPerAddress;
    world.register("erik");
    for (let count = 0; count < free; count++) {
      world.ok("login.start", { name: `guess${count}`, remote });
    }
    world.ok("login.start", { name: "erik", remote });
    const { name, accountKey } = world.ok("login.succeeded", { name: "erik", remote });
    assert.equal(name, "erik");
    assert.equal(accountKey.length, 43);
    // From elsewhere at once; from the address of the failures one more is free, then only later.
    assert.equal(world.code("login.start", { name: "erik", remote: "192.0.2.8" }), "ok");
    world.ok("login.succeeded", { name: "erik", remote: "192.0.2.8" });
    assert.equal(world.code("login.start", { name: "sam", remote }), "ok");
    assert.equal(world.code("login.start", { name: "ann", remote }), "too_many_attempts");
  },
);

everyBackend(
  "guessing under many names from one address is slowed down, later than under one",
  (world) => {
    const free = serverLimits.freeLoginFailuresPerAddress;
    const codes = Array.from(
      { length: free + 2 },
      (_, i) => world.code("login.start", { name: `guess${i}`, remote }),
    );
    assert.equal(codes.slice(0, free + 1).every((code) => code === "ok"), true);
    assert.equal(codes.at(-1), "too_many_attempts");
  },
);

everyBackend(
  "many failures since the last success become one notification that counts on",
  (world) => {
    const erik = world.register("erik");
    failLogins(world, "erik", failuresWorthTelling);
    assert.deepEqual(world.notifications(erik), []);
    failLogins(world, "erik", 1);
    assert.equal(world.notifications(erik)[0]?.count, failuresWorthTelling);
    failLogins(world, "erik", 2);
    world.now += serverLimits.loginDelayMaxMs;
    world.ok("login.start", { name: "erik", remote });
    world.ok("login.succeeded", { name: "erik", remote });
    const [only, ...more] = world.notifications(erik);
    assert.deepEqual(more, []);
    assert.deepEqual([only?.kind, only?.count], ["login_failures", failuresWorthTelling + 3]);
  },
);

everyBackend("a device logs in by its key; unknown and revoked ones do not", (world) => {
  const erik = world.register("erik");
  const phone = world.enrol(erik);
  const arrival = world.arrival({ replace: true });
  const welcome = world.ok("login.device", { device: phone.device, arrival });
  assert.deepEqual([welcome.name, welcome.device], ["erik", phone.device]);
  world.revoke(erik, phone);
  const again = world.arrival();
  assert.equal(
    world.code("login.device", { device: phone.device, arrival: again }),
    "device_revoked",
  );
  assert.equal(
    world.code("login.device", { device: "A".repeat(43), arrival: again }),
    "unknown_device",
  );
});

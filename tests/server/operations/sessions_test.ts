import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, backends, everyBackend, World } from "../../contract/world.ts";

everyBackend(
  "a second instance of a device is refused with the older sessions until it replaces them",
  (world) => {
    const erik = world.register("erik");
    const older = { gateway: 0, session: erik.arrival.session };
    const arrival = world.arrival({ gateway: 1 });
    const refused = world.run("login.device", { device: erik.device, arrival });
    assert.deepEqual(refused, { ok: false, code: "already_logged_in", older: [older] });
    world.ok("login.device", { device: erik.device, arrival: { ...arrival, replace: true } });
    assert.deepEqual(world.told("replaced"), [{ kind: "replaced", target: older }]);
    const [user] =
      world.run("directory.users", { scope: "online", after: undefined, limit: 9 }).users;
    assert.equal(user?.addresses.length, 1);
  },
);

everyBackend("sessions of the same instance stand side by side, up to the limit", (world) => {
  const erik = world.register("erik");
  const { instance } = erik.arrival;
  for (let i = 1; i < serverLimits.sessionsPerDevice; i++) {
    world.ok("login.device", { device: erik.device, arrival: world.arrival({ instance }) });
  }
  const arrival = world.arrival({ instance });
  assert.equal(
    world.code("login.device", { device: erik.device, arrival }),
    "too_many_connections",
  );
  world.run("session.close", { gateway: 0, session: erik.arrival.session });
  assert.equal(world.code("login.device", { device: erik.device, arrival }), "ok");
});

everyBackend(
  "every session has an address of its own and presence is told at both ends",
  (world) => {
    const erik = world.register("erik");
    assert.deepEqual(world.told("presence").map(({ user }) => [user.name, user.online]), [[
      "erik",
      true,
    ]]);
    const sam = world.register("sam");
    assert.deepEqual([erik.welcome.address, sam.welcome.address], ["10.8.0.1", "10.8.0.2"]);
    world.now += 1000;
    world.run("session.close", { gateway: 0, session: erik.arrival.session });
    assert.deepEqual(world.told("presence"), [{
      kind: "presence",
      user: {
        name: "erik",
        account: erik.account,
        online: false,
        addresses: [],
        lastSeen: world.now,
      },
    }]);
    const [device] = world.run("device.list", actor(erik)).devices;
    assert.deepEqual([device?.online, device?.lastSeen], [false, world.now]);
    world.run("session.close", { gateway: 0, session: "unknown" });
    assert.deepEqual(world.nudges, []);
  },
);

everyBackend("only sessions that want live events are nudged", (world) => {
  const [erik, sam] = [world.register("erik"), world.register("sam")];
  const conversation = world.converse(erik, sam);
  assert.deepEqual(world.told("log"), [{
    kind: "log",
    conversation,
    seq: 1,
    devices: [sam.device],
  }]);
  world.run("session.receive", { gateway: 0, session: sam.arrival.session, receive: false });
  world.send(erik, conversation);
  assert.deepEqual(world.nudges, []);
  world.run("session.receive", { gateway: 0, session: sam.arrival.session, receive: true });
  world.send(erik, conversation);
  assert.deepEqual(world.told("log").map(({ devices }) => devices), [[sam.device]]);
});

everyBackend("probes and their answers go to every gateway", (world) => {
  const target = { gateway: 3, session: "x" };
  world.run("session.probe", { target, probe: "p" });
  assert.deepEqual(world.nudges, [{ kind: "probe", target, probe: "p" }]);
  world.run("session.probed", { probe: "p", alive: false });
  assert.deepEqual(world.nudges, [{ kind: "probed", probe: "p", alive: false }]);
});

for (const backend of backends) {
  Deno.test(`a start empties the registry of sessions and keeps everything else (${backend.name})`, () => {
    const folder = Deno.makeTempDirSync();
    const before = backend.open(folder);
    const world = new World(before);
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    const conversation = world.converse(erik, sam);
    world.send(erik, conversation);
    before.close();
    const after = backend.open(folder);
    const again = new World(after);
    assert.deepEqual(
      again.run("directory.users", { scope: "online", after: undefined, limit: 9 }).users,
      [],
    );
    const welcome = again.ok("login.device", { device: sam.device, arrival: again.arrival() });
    assert.deepEqual([welcome.unread, welcome.notifications], [1, 1]);
    assert.deepEqual(again.read(sam, conversation).map(({ type }) => type), ["welcome", "message"]);
    after.close();
    Deno.removeSync(folder, { recursive: true });
  });
}

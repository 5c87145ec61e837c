import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type Logger, type LogLevel, silentLogger } from "../../../lib/base/log.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { Connection } from "../../../lib/wire/connection.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import { Requests } from "../../../lib/wire/client_requests.ts";
import { Gateway } from "../../../server/gateway/gateway.ts";
import { ConnectionCount, newSharedCount } from "../../../server/gateway/connection_count.ts";
import {
  countedAddress,
  type GatewayLimits,
  gatewayLimits,
  throttled,
} from "../../../server/gateway/limits.ts";
import { PresenceChanges } from "../../../server/gateway/presence.ts";
import { LogValve } from "../../../server/supervisor/log_valve.ts";
import { clientFacts, ManualClock, pipe, turns } from "../../wire/kit.ts";
import { noFiles } from "../../kit/no_files.ts";

Deno.test("addresses count by what one party usually owns", () => {
  const cases = {
    "192.0.2.7": "192.0.2.7",
    "::ffff:192.0.2.7": "192.0.2.7",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:db8:1:2::9": "2001:db8:1:2::/64",
    "2001:db8::9": "2001:db8:0:0::/64",
    "::1": "0:0:0:0::/64",
    "fe80::1%eth0": "fe80:0:0:0::/64",
  };
  for (const [address, counted] of Object.entries(cases)) {
    strictEqual(countedAddress(address), counted);
  }
});

Deno.test("connections are counted in all and by address, and given back", () => {
  const count = new ConnectionCount({ ...gatewayLimits, connections: 3, connectionsPerAddress: 2 });
  deepStrictEqual(["a", "a", "a", "b", "c"].map((address) => count.take(address)), [
    true,
    true,
    false,
    true,
    false,
  ]);
  count.give("a");
  strictEqual(count.take("c"), true);
  strictEqual(count.take("a"), false);
});

Deno.test("gateways count together, whoever takes and whoever gives", () => {
  const limits = { connections: 30, connectionsPerAddress: 4 };
  const shared = newSharedCount();
  const gateways = [0, 1, 2].map(() => new ConnectionCount(limits, shared));
  const address = fc.integer({ min: 0, max: 11 }).map(String);
  const step = fc.record({ gateway: fc.nat(2), address, take: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const open = new Map<string, number>();
    const all = () => [...open.values()].reduce((sum, count) => sum + count, 0);
    for (const { gateway, address, take } of steps) {
      const here = open.get(address) ?? 0;
      if (take) {
        const room = all() < limits.connections && here < limits.connectionsPerAddress;
        strictEqual(gateways[gateway]?.take(address), room);
        if (room) open.set(address, here + 1);
      } else if (here > 0) {
        gateways[gateway]?.give(address);
        open.set(address, here - 1);
      }
    }
    for (const [address, count] of open) {
      for (let left = count; left > 0; left--) gateways[0]?.give(address);
    }
  }));
});

Deno.test("whose cells are shared depends on a secret, and hardly anybody's are", () => {
  const limits = { connections: 1_000_000, connectionsPerAddress: 1 };
  const refused = () => {
    const count = new ConnectionCount(limits);
    const names = Array.from({ length: 20_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    return names.filter((name) => !count.take(name));
  };
  const [one, other] = [refused(), refused()];
  ok(one.length < 400 && other.length < 400, `${one.length} ${other.length}`);
  ok(one.join() !== other.join());
});

Deno.test("reading waits when more than the granted bytes come, and not before", async () => {
  const clock = new ManualClock();
  const limits = { ...gatewayLimits, bytesPerSecond: 1000, bytesBurst: 500 };
  const transport = {
    read: (into: Uint8Array) => Promise.resolve(into.length),
    write: () => Promise.resolve(),
    close: () => undefined,
  };
  const slow = throttled(transport, limits, clock);
  strictEqual(await slow.read(new Uint8Array(400)), 400);
  strictEqual(await slow.read(new Uint8Array(1100)), 1100);
  let done = false;
  const third = slow.read(new Uint8Array(10)).then(() => done = true);
  await clock.advance(999);
  strictEqual(done, false);
  await clock.advance(1);
  await third;
});

/** A gateway without storage, clients on pipes. */
function gateway(limits: Partial<GatewayLimits>, logger: Logger = silentLogger) {
  const clock = new ManualClock();
  const made = new Gateway({
    index: 0,
    identity: generateSigningKey(),
    serverName: "test",
    authority: "",
    opaqueSetup: "",
    registration: "open",
    limits: { ...gatewayLimits, ...limits },
    storage: {
      call: () => Promise.reject(new Error("no storage here")),
      onNudges: () => undefined,
      files: noFiles,
    },
    clock,
    logger,
  });
  const connect = (hostname = "192.0.2.7") => {
    const [clientEnd, serverEnd] = pipe();
    made.take(Object.assign(serverEnd, { remote: { hostname, port: 1 } }));
    return Connection.open(clientEnd, { device: generateSigningKey(), facts: clientFacts, clock });
  };
  return { gateway: made, clock, connect };
}

/** Why the connection ends. */
async function ending(connection: Connection): Promise<string> {
  const closed = Promise.withResolvers<Error | undefined>();
  new Requests(connection, { onEvent: () => undefined, onClosed: closed.resolve });
  const reason = await closed.promise;
  return reason instanceof RefusedError ? reason.code : String(reason);
}

Deno.test("one address beyond its share is told so and closed; others come in", async () => {
  const { connect } = gateway({ connectionsPerAddress: 2 });
  const [first, second] = [await connect(), await connect()];
  strictEqual(await ending(await connect()), "too_many_connections");
  const other = await connect("192.0.2.8");
  await first.close();
  await turns();
  const third = await connect();
  await Promise.all([second, other, third].map((connection) => connection.close()));
});

Deno.test("a session that does not log in in time is closed", async () => {
  const { connect, clock } = gateway({ loginMs: 1000 });
  const end = ending(await connect());
  await turns();
  await clock.advance(1000);
  strictEqual(await end, "timeout");
});

Deno.test("closing tells every session, and takes no more", async () => {
  const { gateway: closing, connect } = gateway({});
  const client = await connect();
  const seen: string[] = [];
  const closed = Promise.withResolvers<unknown>();
  new Requests(client, {
    onEvent: ({ message }) => void seen.push(message.type),
    onClosed: closed.resolve,
  });
  await turns();
  await closing.close();
  strictEqual(await closed.promise, undefined);
  deepStrictEqual(seen, ["server.closing"]);
  strictEqual(closing.size, 0);
  await connect().then(() => ok(false), () => ok(true));
});

Deno.test("a storage side that fails is answered as our failure, logged, and the session goes on", async () => {
  const logged: string[] = [];
  const logger = { log: (level: LogLevel, event: string) => void logged.push(`${level} ${event}`) };
  const { connect } = gateway({}, logger);
  const connection = await connect();
  const requests = new Requests(connection, {
    onEvent: () => undefined,
    onClosed: () => undefined,
  });
  for (let count = 0; count < 2; count++) {
    const thrown = await requests.request({ type: "account.check", name: "somebody" })
      .then(() => undefined, (error: unknown) => error);
    ok(thrown instanceof RefusedError && thrown.code === "internal");
    strictEqual(thrown.message.includes("no storage"), false);
  }
  ok(logged.includes("error request_failed"));
  await requests.close();
});

Deno.test("changes of presence are gathered into one event, the latest of each account", async () => {
  const clock = new ManualClock();
  const sent: string[] = [];
  const changes = new PresenceChanges(clock, {
    gatherMs: () => 200,
    send: (json) => void sent.push(json),
  });
  const user = (account: string, online: boolean) => ({
    name: account,
    account,
    online,
    addresses: [],
    lastSeen: null,
  });
  for (let count = 0; count < 250; count++) changes.add(user(`account${count}`, true));
  changes.add(user("account0", false));
  strictEqual(sent.length, 0);
  await clock.advance(200);
  const sizes = sent.map((json) => JSON.parse(json).changes.length);
  deepStrictEqual(sizes, [200, 50]);
  strictEqual(JSON.parse(sent[0] ?? "").changes[0].online, false);
});

Deno.test("an event of presence fits into a frame, however much there is to say of each account", () => {
  const clock = new ManualClock();
  const sent: string[] = [];
  const changes = new PresenceChanges(clock, {
    gatherMs: () => 200,
    send: (json) => void sent.push(json),
  });
  const addresses = Array<string>(16).fill("10.8.255.255");
  for (let count = 0; count < 200; count++) {
    const account = `${count}`.padStart(36, "0");
    changes.add({ name: "n".repeat(32), account, online: true, addresses, lastSeen: Date.now() });
  }
  return clock.advance(200).then(() => {
    ok(sent.every((json) => json.length <= 40_000) && sent.length > 1);
    strictEqual(sent.flatMap((json) => JSON.parse(json).changes).length, 200);
  });
});

Deno.test("a flood of log lines is cut, counted, and errors always come through", () => {
  let now = 0;
  const lines: string[] = [];
  const valve = new LogValve({
    log: (level, event, fields) =>
      void lines.push(`${level} ${event} ${fields?.lines ?? ""}`.trim()),
  }, () => now);
  for (let count = 0; count < 1000; count++) valve.log("warning", "flood");
  valve.log("error", "trouble");
  strictEqual(lines.length, 201);
  strictEqual(lines.at(-1), "error trouble");
  now = 1000;
  valve.log("info", "quiet");
  deepStrictEqual(lines.slice(201), ["warning log_lines_dropped 800", "info quiet"]);
});

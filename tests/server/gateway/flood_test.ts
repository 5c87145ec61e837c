import { ok, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { serverLimits } from "../../../lib/base/limits.ts";
import { silentLogger } from "../../../lib/base/log.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { Requests } from "../../../lib/wire/client_requests.ts";
import { Connection } from "../../../lib/wire/connection.ts";
import type { OperationName, Storage } from "../../../server/operations/contract.ts";
import { Gateway } from "../../../server/gateway/gateway.ts";
import { gatewayLimits } from "../../../server/gateway/limits.ts";
import { clientFacts, ManualClock, pipe } from "../../wire/kit.ts";

/** A storage side that lets everybody in and then answers only when told to. */
function stalledStorage() {
  const waiting: { name: OperationName; answer: (result: object) => void }[] = [];
  const arrive = () => ({
    ok: true,
    account: randomId(),
    name: "somebody",
    device: "A".repeat(43),
    address: "10.8.0.1",
    unread: 0,
    notifications: 0,
    keyPackages: 0,
    lastResortAt: null,
    lobbyHead: 0,
  });
  const storage: Storage = {
    call(name) {
      const { promise, resolve } = Promise.withResolvers<object>();
      if (name === "login.device") resolve(arrive());
      else waiting.push({ name, answer: resolve });
      return promise as Promise<never>;
    },
    onNudges: () => undefined,
  };
  return { storage, waiting };
}

function world() {
  const { storage, waiting } = stalledStorage();
  const clock = new ManualClock();
  const gateway = new Gateway({
    index: 0,
    identity: generateSigningKey(),
    serverName: "test",
    authority: "",
    opaqueSetup: "",
    registration: "open",
    limits: gatewayLimits,
    storage,
    clock,
    logger: silentLogger,
  });
  const connect = async () => {
    const [clientEnd, serverEnd] = pipe();
    gateway.take(Object.assign(serverEnd, { remote: { hostname: "192.0.2.7", port: 1 } }));
    const device = generateSigningKey();
    const connection = await Connection.open(clientEnd, { device, facts: clientFacts, clock });
    const requests = new Requests(connection, {
      onEvent: () => undefined,
      onClosed: () => undefined,
      clock,
    });
    const arrival = { instance: randomId(), receive: false };
    await requests.request({ type: "account.login.device", ...arrival });
    return { connection, requests };
  };
  return { connect, waiting };
}

/** Resolves when everything that was sent has gone as far as it will go: some turns bring nothing new. */
async function quiet(count: () => number): Promise<void> {
  for (let same = 0, before = count(); same < 20; same++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (count() !== before) [same, before] = [0, count()];
  }
}

Deno.test("one session has few large answers under way, however many it asks for at once", async () => {
  const { connect, waiting } = world();
  const { connection } = await connect();
  const conversation = randomId();
  for (let id = 1000; id < 1256; id++) {
    connection.send({ type: "message.fetch", id, conversation, after: 0, limit: 256 });
  }
  await quiet(() => waiting.length);
  ok(waiting.length >= 1 && waiting.length <= 4, `${waiting.length} readings at once`);
  const before = waiting.length;
  waiting[0]?.answer({ ok: true, rows: [], more: false });
  await quiet(() => waiting.length);
  strictEqual(waiting.length, before + 1);
});

Deno.test("messages without a reply count as under way too", async () => {
  const { connect, waiting } = world();
  const { connection } = await connect();
  for (let count = 0; count < 2000; count++) {
    connection.send({ type: "session.receive", receive: false });
  }
  await quiet(() => waiting.length);
  strictEqual(waiting.length, gatewayLimits.requestsInFlight);
});

Deno.test("many sessions that ask for much leave the storage side's queue open for others", async () => {
  const { connect, waiting } = world();
  const sessions = 40;
  for (let made = 0; made < sessions; made++) {
    const { connection } = await connect();
    for (let id = 1000; id < 1000 + gatewayLimits.requestsInFlight; id++) {
      connection.send({ type: "account.check", id, name: "somebody" });
    }
    await quiet(() => waiting.length);
  }
  ok(waiting.length <= serverLimits.storageQueue / 2 + gatewayLimits.requestsInFlight + sessions);
  const { requests } = await connect();
  const before = waiting.length;
  const answer = requests.request({ type: "account.check", name: "modest" });
  await quiet(() => waiting.length);
  strictEqual(waiting.length, before + 1);
  waiting.at(-1)?.answer({ exists: true });
  strictEqual((await answer).message.exists, true);
});

import { ok, strictEqual } from "node:assert/strict";
import { AppError } from "../../../lib/base/errors.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { serverLimits } from "../../../lib/base/limits.ts";
import { gatewayLimits } from "../../../server/gateway/limits.ts";
import { quiet, stalledWorld } from "./stalled.ts";

Deno.test("one session has few large answers under way, however many it asks for at once", async () => {
  const { connect, waiting } = stalledWorld();
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
  const { connect, waiting } = stalledWorld();
  const { connection } = await connect();
  for (let count = 0; count < 2000; count++) {
    connection.send({ type: "session.receive", receive: false });
  }
  await quiet(() => waiting.length);
  strictEqual(waiting.length, gatewayLimits.requestsInFlight);
});

Deno.test("many sessions that ask for much leave the storage side's queue open for others", async () => {
  const { connect, waiting } = stalledWorld();
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

Deno.test("a session whose end could not be stored is taken off the registry as soon as that works", async () => {
  const { connect, waiting, clock } = stalledWorld();
  const { requests } = await connect();
  await requests.close();
  for (let attempt = 0; attempt < 3; attempt++) {
    await quiet(() => waiting.length);
    strictEqual(waiting.length, 1);
    const [closing] = waiting.splice(0);
    strictEqual(closing?.name, "session.close");
    closing.fail(new AppError("storage_full", { fault: "environment" }));
    await quiet(() => waiting.length);
    strictEqual(waiting.length, 0);
    await clock.advance(30_000);
  }
  await quiet(() => waiting.length);
  waiting.splice(0)[0]?.answer({});
  await quiet(() => waiting.length);
  await clock.advance(60_000);
  strictEqual(waiting.length, 0);
});

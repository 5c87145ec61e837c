import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { message, patience } from "../engine/kit.ts";
import { Village } from "../engine/village.ts";
import { to } from "./kit.ts";

Deno.test("a message that the server has forgotten at its time is passed over, and nothing after it is lost", async () => {
  await using village = await Village.make();
  const alice = await village.online("alice");
  const facts = await village.device("bobby");
  await village.briefly(facts);
  const first = await alice.send(to("bobby"), "before");
  await alice.content.expire(to("bobby"), 60_000);
  const over = await alice.send(to("bobby"), "over before it was fetched");
  for (const { id } of [first, over]) await alice.waitFor(id, "sent", patience());

  await village.server.stop();
  const database = new DatabaseSync(`${village.server.data}/sealpost.db`);
  const { until } = database.prepare("SELECT until FROM log WHERE until IS NOT NULL").get() ?? {};
  assert.ok(typeof until === "number" && until > Date.now() + 23 * 3_600_000);
  assert.equal(
    database.prepare("UPDATE log SET bytes = x'' WHERE until = ?").run(until).changes,
    1,
  );
  database.close();
  await village.restart();

  const bobby = await village.open(facts);
  const last = await alice.send(to("bobby"), "after");
  await message(bobby, "after");
  await alice.waitFor(last.id, "delivered", patience());
  const shown = (await bobby.history({})).filter(({ kind }) => kind !== "notice");
  assert.deepEqual(shown.map(({ text }) => text), ["before", "after"]);
});

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { message, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

const test = storiesOf("fresh keys");

test("fresh keys begin a new epoch on both sides, and what comes then is read", async (village) => {
  const alice = await village.online("alice");
  const bobby = await village.online("bobby");
  const sent = await alice.send(to("bobby"), "before");
  await alice.waitFor(sent.id, "delivered", patience());
  const before = epochAt(village);
  await alice.rekey(to("BOBBY"));
  assert.equal(epochAt(village), before + 1);
  await alice.send(to("bobby"), "after");
  assert.equal((await message(bobby, "after")).kind, "text");
});

/** The epoch of the only conversation, as the server has it on its disk. */
function epochAt(village: Village): number {
  const database = new DatabaseSync(`${village.server.data}/sealpost.db`, { readOnly: true });
  try {
    return Number(database.prepare("SELECT epoch FROM conversations").get()?.["epoch"]);
  } finally {
    database.close();
  }
}

test("the lobby, which is public, has no keys to change", async (village) => {
  const alice = await village.online("alice2");
  await assert.rejects(alice.rekey({ kind: "lobby" }), /#lobby has no keys/);
});

test("somebody who was away while the keys changed reads what came after", async (village) => {
  const alice = await village.online("alice3");
  const facts = await village.device("bobby3");
  await village.briefly(facts);
  await alice.send(to("bobby3"), "before");
  await village.briefly(facts);
  await alice.rekey(to("bobby3"));
  const sent = await alice.send(to("bobby3"), "after");
  await alice.waitFor(sent.id, "sent", patience());
  const bobby = await village.open(facts, { receive: true });
  assert.equal((await message(bobby, "after")).kind, "text");
});

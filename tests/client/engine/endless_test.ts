/** A server that wants to keep its client busy for ever, or to make it fall over. */
import assert from "node:assert/strict";
import { EvilServer } from "./evil.ts";
import { message } from "./kit.ts";
import { Village } from "./village.ts";

Deno.test("a list that never ends does not keep the client from its work", async () => {
  await using village = await Village.make();
  const facts = await village.device("alice");
  await using evil = EvilServer.start(village, facts);
  evil.bend = (arrived) => {
    const listed = arrived.message;
    if (listed.type !== "conversation.list.ok") return arrived;
    return { ...arrived, message: { ...listed, more: true } };
  };
  const sam = await village.online("sammy");
  const alice = await village.open(facts, { port: evil.port });
  const got = message(sam, "hello");
  await alice.send({ kind: "direct", name: "sammy" }, "hello");
  await got;
  await alice.stop();
  const lists = evil.asked.filter((type) => type === "conversation.list").length;
  assert.ok(lists < 30, `${lists} lists`);
});

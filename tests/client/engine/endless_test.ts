/** A server that wants to keep its client busy for ever, or to make it fall over. */
import assert from "node:assert/strict";
import type { Message } from "../../../lib/wire/messages.ts";
import { EvilServer } from "./evil.ts";
import { message } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const test = storiesOf("a server that never lets go");

test("a list that never ends does not keep the client from its work", async (village) => {
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

test("a server that sends its client away at once is not asked again without a pause", async (village) => {
  const facts = await village.device("alice2");
  await using evil = EvilServer.start(village, facts);
  const closing: Message<"server.closing"> = { type: "server.closing", retryAfterMs: 0 };
  let closings = 0;
  evil.bend = (arrived) => {
    if (arrived.message.type !== "conversation.list.ok") return arrived;
    closings += 1;
    return { body: new Uint8Array(), message: closing };
  };
  const alice = village.engine(facts, { port: evil.port });
  const times: number[] = [];
  const enough = Promise.withResolvers<void>();
  alice.subscribe((event) => {
    if (event.kind !== "connection" || event.state.kind !== "offline") return;
    times.push(performance.now());
    if (times.length === 3) enough.resolve();
  });
  await alice.start({ receive: true, keepTrying: true });
  await enough.promise;
  const [first = 0, second = 0, third = 0] = times;
  assert.ok(second - first >= 240 && third - second >= 240, times.join(" "));
  assert.ok(closings >= 3);
});

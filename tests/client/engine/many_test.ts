import assert from "node:assert/strict";
import { patience } from "./kit.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

Deno.test("a thousand messages to somebody who is away: all of them, once each, in order", async () => {
  await using village = await Village.make();
  const facts = await village.device("bobby");
  await village.briefly(facts);
  const alice = await village.online("alice");
  const count = 1_000;
  let last = "";
  for (let at = 0; at < count; at++) last = (await alice.send(to("bobby"), `number ${at}`)).id;
  await alice.waitFor(last, "sent", patience());

  const bobby = village.engine(facts);
  const shown: string[] = [];
  bobby.subscribe((event) => {
    if (event.kind === "message") shown.push(event.message.text);
  });
  await bobby.start({ receive: true, keepTrying: false });
  await bobby.caughtUp(patience());
  assert.deepEqual(shown, Array.from({ length: count }, (_, at) => `number ${at}`));
  await alice.waitFor(last, "delivered", patience());
  const states = new Set((await alice.history({ target: to("bobby") })).map(({ state }) => state));
  assert.deepEqual([...states], ["delivered"]);
});

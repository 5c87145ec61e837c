/** Answers that get lost: the server has done it, and the client has to find that out. */
import assert from "node:assert/strict";
import { message, patience } from "./kit.ts";
import { FaultProxy } from "./proxy.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

const test = storiesOf("answers that get lost");

// Each connection dies after so many bytes from the server: somewhere in the hello, the login, the catching up, the
// creation of the conversation, the answers to messages, live events.
test("whenever an answer is lost on the way, everything arrives once and in order", async (village) => {
  await using proxy = await FaultProxy.start(village.pinned.port);
  const aliceFacts = await village.device("alice");
  const bobbyFacts = await village.device("bobby");
  await village.briefly(bobbyFacts);
  const bobby = await village.open(bobbyFacts);
  const alice = village.engine(aliceFacts, { port: proxy.port });
  proxy.cutAfter = 9_000;
  await alice.start({ receive: true, keepTrying: true });
  const count = 60;
  for (let at = 0; at < count; at++) {
    await alice.send(to("bobby"), `number ${at}`);
    if (at % 20 === 0) await bobby.send(to("alice"), `back ${at}`);
    proxy.cutAfter = 5_000 + at * 211;
    if (at % 6 === 5) proxy.cutNow();
  }
  proxy.cutAfter = Infinity;
  proxy.cutNow();
  await message(bobby, `number ${count - 1}`);
  await message(alice, "back 40");
  const got = (await bobby.history({ target: to("alice") })).filter(({ own }) => !own);
  assert.deepEqual(
    got.map(({ text }) => text),
    Array.from({ length: count }, (_, at) => `number ${at}`),
  );
  const sent = (await alice.history({ target: to("bobby") })).filter(({ own }) => own);
  assert.equal(sent.length, count);
  for (const { id } of sent) await alice.waitFor(id, "delivered", patience());
});

for (const lost of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`the answer to request ${lost} of a session is lost after the server acted on it`, async (village) => {
    const names = { alice: `alice${lost}`, bobby: `bobby${lost}` };
    const aliceFacts = await village.device(names.alice);
    const bobby = await village.online(names.bobby);
    await using proxy = await FaultProxy.start(village.pinned.port);
    const alice = village.engine(aliceFacts, { port: proxy.port });
    // TLS and hello come first; then each piece from the server that follows one from the client is an answer.
    proxy.cutBeforeAnswer = lost + 2;
    await alice.start({ receive: true, keepTrying: true });
    const sent = await alice.send(to(names.bobby), "hello");
    await message(bobby, "hello");
    await alice.waitFor(sent.id, "delivered", patience());
    await bobby.send(to(names.alice), "hello back");
    await message(alice, "hello back");
    assert.deepEqual(
      (await bobby.history({ target: to(names.alice) })).map(({ text }) => text),
      ["hello", "hello back"],
    );
  });
}

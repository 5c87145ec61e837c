/** Two conversations with one account, because its server and this one have each made one at the same moment. */
import assert from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { occupy } from "../../../client/engine/assign.ts";
import { Links } from "../../../client/engine/links.ts";
import { Reading } from "../../../client/engine/reading.ts";
import { findMessage } from "../../../client/engine/content/find.ts";
import { Desk, person } from "./resend_kit.ts";

const [smaller, greater] = [randomId(), randomId()].sort() as [string, string];
const third = randomId();
const target = { kind: "direct", name: "rae@office" } as const;

async function begun() {
  const [own, rae] = [person("sam"), person("rae")];
  const desk = await Desk.make(own, [rae]);
  const core = Object.assign(desk.core, { links: new Links() });
  const { threads, sealed } = core;
  const home = sealed.database.transaction(() => {
    const { thread } = threads.obtain("rae@office");
    threads.setPartner(thread, { name: "rae@office", account: rae.account });
    return thread;
  });
  const take = (conversation: string, elsewhere = true) =>
    sealed.database.transaction(() => occupy(core, home, { conversation, elsewhere }));
  let seq = 0;
  const say = (thread: number, text: string) =>
    sealed.database.transaction(() =>
      core.messages.add({
        thread,
        id: randomId(),
        seq: ++seq,
        own: false,
        unread: true,
        state: "received",
        ts: seq,
        sentAt: seq,
        content: { from: "rae@office", account: rae.account, text },
      })
    );
  return { desk, core, home, take, say, reading: new Reading(core) };
}

Deno.test("both are shown under the one contact, and new messages go to the one of the smaller id", async () => {
  const { desk, core, home, take, say, reading } = await begun();
  await using _ = desk;
  assert.equal(take(greater)?.thread, home);
  assert.equal(take(greater)?.thread, home);
  const twin = take(smaller);
  assert.equal(twin?.twinOf, home);
  assert.equal(take(smaller)?.thread, twin?.thread);
  assert.equal(reading.threadFor(target).conversation, smaller);
  say(home, "one");
  say(twin?.thread ?? 0, "two");
  say(home, "three");
  const texts = (messages: readonly { text: string }[]) => messages.map(({ text }) => text);
  assert.deepEqual(texts(await reading.history({ target })), ["one", "two", "three"]);
  assert.deepEqual(texts(await reading.history({ target, limit: 2 })), ["two", "three"]);
  assert.deepEqual(texts(await reading.unread(target)), ["one", "two", "three"]);
  const [only, ...more] = (await reading.conversations()).filter(({ target }) =>
    target.kind === "direct"
  );
  assert.deepEqual([only?.conversation, only?.unread, only?.last?.text, more], [
    "rae@office",
    3,
    "three",
    [],
  ]);
  const threads = reading.threadsOf(target);
  const [first] = await reading.history({ target });
  const found = findMessage(core.messages, { reference: String(first?.local), threads });
  assert.equal(found.content.text, "one");
});

Deno.test("the first one to be there stays the one to write to while it has the smaller id", async () => {
  const { desk, take, reading, home } = await begun();
  await using _ = desk;
  take(smaller);
  take(greater);
  assert.equal(reading.threadFor(target).thread, home);
  assert.equal(reading.threadsOf(target).length, 2);
});

Deno.test("a third one, and a second one with an account of one's own server, are lies", async () => {
  const { desk, take, home } = await begun();
  await using _ = desk;
  assert.equal(take(smaller, false)?.thread, home);
  assert.throws(() => take(greater, false), { code: "tampered" });
  take(greater);
  assert.throws(() => take(third), { code: "tampered", message: /one conversation too many/ });
});

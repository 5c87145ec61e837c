import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../lib/base/errors.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { contentLimits } from "../../../lib/base/limits.ts";
import { chatMessage } from "../../../client/engine/chat_message.ts";
import { failSilent } from "../../../client/engine/content/accepted.ts";
import { sayQuietly } from "../../../client/engine/content/queue.ts";
import { Shelf } from "./store.ts";

const text = (text: string) => ({ kind: "text", body: { text } }) as const;
const edit = (to: string, text: string) => ({ kind: "edit", body: { to, text } }) as const;
const remove = (to: string) => ({ kind: "delete", body: { to } }) as const;
const react = (to: string, emoji: string, remove = false) =>
  ({ kind: "reaction", body: { to, emoji, remove } }) as const;

Deno.test("nobody edits or deletes what another account wrote", async () => {
  await using shelf = await Shelf.make();
  const id = shelf.hear("alice", text("mine"));
  for (const other of ["bobby", "eve"] as const) {
    shelf.hear(other, edit(id, "theirs"));
    shelf.hear(other, remove(id));
  }
  const { content } = shelf.get(id) ?? {};
  assert.deepEqual([content?.text, content?.edit, content?.deleted], [
    "mine",
    undefined,
    undefined,
  ]);
  shelf.hear("alice", remove(id));
  shelf.hear("alice", edit(id, "back again"));
  shelf.hear("bobby", react(id, "👍"));
  const gone = shelf.get(id)?.content;
  assert.deepEqual([gone?.text, gone?.deleted, gone?.reactions], ["", true, undefined]);
});

Deno.test("what comes before its message waits for it, and is judged like everything else", async () => {
  await using shelf = await Shelf.make();
  const id = randomId();
  shelf.hear("alice", edit(id, "second"));
  shelf.hear("alice", edit(id, "third"));
  shelf.hear("eve", edit(id, "forged"));
  shelf.hear("eve", remove(id));
  shelf.hear("bobby", react(id, "🎉"));
  shelf.hear("alice", text("first"), { id });
  const { content } = shelf.get(id) ?? {};
  assert.deepEqual([content?.text, content?.deleted], ["third", undefined]);
  assert.deepEqual(content?.reactions?.map(({ name, emoji }) => [name, emoji]), [["bobby", "🎉"]]);
  const later = randomId();
  shelf.hear("alice", remove(later));
  shelf.hear("alice", text("never to be seen"), { id: later });
  assert.equal(shelf.get(later)?.content.text, "");
});

Deno.test("a flood about messages that never come is bounded, for each sender and in all", async () => {
  await using shelf = await Shelf.make();
  const kept = () =>
    shelf.core.sealed.database.prepare("SELECT count(*) AS count FROM early_content")
      .get<{ count: number }>()?.count;
  for (let at = 0; at < contentLimits.earlyPerSender + 20; at++) {
    shelf.hear("eve", react(randomId(), "👍"));
  }
  assert.equal(kept(), contentLimits.earlyPerSender);
  const id = randomId();
  shelf.hear("alice", edit(id, "there was room"));
  shelf.hear("alice", text("before"), { id });
  assert.equal(shelf.get(id)?.content.text, "there was room");
  await shelf.clock.advance(contentLimits.earlyMs + 1);
  shelf.hear("alice", edit(randomId(), "new"));
  assert.equal(kept(), 1);
});

Deno.test("reactions are bounded for each account and each message, and one account has each once", async () => {
  await using shelf = await Shelf.make();
  const id = shelf.hear("alice", text("look"));
  const emoji = [..."😀😁😂😃😄😅😆😇😈😉"];
  for (const one of [...emoji, ...emoji]) shelf.hear("eve", react(id, one));
  assert.equal(shelf.get(id)?.content.reactions?.length, contentLimits.reactionsPerAccount);
  shelf.hear("alice", react(id, emoji[0] ?? "", true));
  assert.equal(shelf.get(id)?.content.reactions?.length, contentLimits.reactionsPerAccount);
  for (const one of emoji) shelf.hear("eve", react(id, one, true));
  assert.deepEqual(shelf.get(id)?.content.reactions, []);
});

Deno.test("an edit has its day, a deletion its month, and there is an end to edits", async () => {
  await using shelf = await Shelf.make();
  const start = shelf.clock.now();
  const id = shelf.hear("alice", text("zero"));
  for (let at = 1; at <= contentLimits.edits + 5; at++) shelf.hear("alice", edit(id, `edit ${at}`));
  assert.equal(shelf.get(id)?.content.text, `edit ${contentLimits.edits}`);
  const other = shelf.hear("alice", text("as it was"));
  shelf.hear("alice", edit(other, "too late"), { ts: start + contentLimits.editMs + 1 });
  shelf.hear("alice", remove(other), { ts: start + contentLimits.deleteMs + 1 });
  assert.equal(shelf.get(other)?.content.text, "as it was");
  shelf.hear("alice", remove(other), { ts: start + contentLimits.deleteMs });
  assert.equal(shelf.get(other)?.content.deleted, true);
});

Deno.test("an answer shows what is known here of the message, not what its sender makes of it", async () => {
  await using shelf = await Shelf.make();
  const id = shelf.hear("bobby", text("I paid 10"));
  const reply = (id: string) => ({ id, from: "bobby", quote: "I paid nothing" });
  const forged = shelf.hear("alice", {
    kind: "text",
    body: { text: "thanks for nothing", reply: reply(id) },
  });
  const lost = randomId();
  const unknown = shelf.hear("alice", { kind: "text", body: { text: "?", reply: reply(lost) } });
  const shown = (id: string) => {
    const message = shelf.get(id);
    assert.ok(message);
    return chatMessage(shelf.core, message).replyTo;
  };
  assert.deepEqual(shown(forged), { id, from: "bobby", quote: "I paid 10" });
  assert.deepEqual(shown(unknown), { ...reply(lost), claimed: true });
  shelf.hear("bobby", remove(id));
  assert.deepEqual(shown(forged), { id, from: "bobby" });
});

Deno.test("whatever is said about messages in whatever order, a store never throws and keeps the rules", async () => {
  await using shelf = await Shelf.make();
  const ids = [randomId(), randomId(), randomId()];
  const id = fc.constantFrom(...ids);
  const who = fc.constantFrom("alice", "bobby", "eve");
  const word = fc.string({ maxLength: 5 });
  const act = fc.oneof(
    fc.record({ who, id, word, what: fc.constantFrom("text", "edit", "delete", "react") }),
  );
  const authors = new Map<string, string>();
  fc.assert(
    fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
      for (const { who, id, word, what } of acts) {
        const name = who as "alice" | "bobby" | "eve";
        const before = shelf.get(id)?.content;
        if (what === "text") {
          shelf.hear(name, text(word), { id });
          if (!authors.has(id)) authors.set(id, name);
        } else if (what === "edit") shelf.hear(name, edit(id, word));
        else if (what === "delete") shelf.hear(name, remove(id));
        else shelf.hear(name, react(id, "👍", word.length > 2));
        const after = shelf.get(id)?.content;
        if (before !== undefined && name !== authors.get(id)) {
          assert.equal(after?.text, before.text);
        }
        if (before?.deleted) assert.equal(after?.text, "");
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("what the server refuses for good is told in words, and nothing of it is kept", async () => {
  await using shelf = await Shelf.make();
  const { core, thread } = shelf;
  const id = shelf.hear("bobby", text("before"));
  const { database } = core.sealed;
  const said = database.transaction(() => sayQuietly(core, thread, edit(id, "after")));
  const message = core.messages.get(said.local);
  assert.ok(message !== undefined && message.silent);
  assert.ok(message.content.draft?.includes("after"));
  const error = new AppError("quota_exceeded");
  const effects = database.transaction(() => failSilent(core, message, error));
  assert.match(JSON.stringify(effects), /an edit was not taken.*storage quota/);
  assert.deepEqual(core.messages.get(said.local)?.content, { from: "", text: "" });
  assert.ok(core.messages.last([thread], 10).every(({ silent }) => !silent));
});

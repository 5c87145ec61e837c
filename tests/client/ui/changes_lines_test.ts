import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChatMessage } from "../../../client/engine/api.ts";
import { formatMessage, type LineStyle } from "../../../client/ui/format.ts";
import type { ChatContext } from "../../../client/ui/chat_context.ts";
import { MessageNumbers } from "../../../client/ui/numbers.ts";
import { runSlash } from "../../../client/ui/slash_actions.ts";
import { MessageChanges } from "../../../client/ui/message_changes.ts";
import { readLine } from "../../../client/ui/slash.ts";

const style: LineStyle = { utc: true, styled: false, multiline: false };

const message = (changes: Partial<ChatMessage>): ChatMessage => ({
  local: 1,
  id: "0",
  target: { kind: "direct", name: "sam" },
  conversation: "sam",
  from: "sam",
  own: false,
  text: "hello",
  kind: "text",
  ts: 0,
  sentAt: 0,
  state: "received",
  read: false,
  ...changes,
});

const shown = (changes: Partial<ChatMessage>) =>
  formatMessage(message(changes), { style, self: "erik" }).slice("1970-01-01 00:00:00 ".length);

Deno.test("a line shows what became of its message, and whom it answers", () => {
  assert.equal(shown({ edited: true }), "sam: @erik hello (edited)");
  assert.equal(shown({ text: "", deleted: true }), "sam: @erik [deleted]");
  const reactions = [
    { from: "erik", emoji: "👍" },
    { from: "nina", emoji: "🎉" },
    { from: "sam", emoji: "👍" },
  ];
  assert.equal(shown({ reactions }), "sam: @erik hello [👍 erik, sam] [🎉 nina]");
  const id = "1";
  assert.equal(
    shown({ replyTo: { id, from: "erik", quote: "who?" } }),
    'sam: @erik [to erik: "who?"] hello',
  );
  assert.equal(
    shown({ replyTo: { id, from: "erik", quote: "who?", claimed: true } }),
    'sam: @erik [to erik: "who?", as told here] hello',
  );
  assert.equal(
    shown({ replyTo: { id, from: "erik" } }),
    "sam: @erik [to erik: a deleted message] hello",
  );
  assert.equal(shown({ replyTo: { id } }), "sam: @erik [answers a message that is not here] hello");
});

Deno.test("what changes is told once, about messages that were seen", () => {
  const changes = new MessageChanges();
  assert.equal(changes.tell(message({ text: "unseen", edited: true }), style), undefined);
  changes.note(message({}));
  assert.equal(changes.tell(message({ state: "read" }), style), undefined);
  const edited = message({ text: "hello all", edited: true });
  assert.equal(changes.tell(edited, style), '* sam in sam: "hello" is now: hello all');
  assert.equal(changes.tell(edited, style), undefined);
  const liked = { ...edited, reactions: [{ from: "nina", emoji: "👍" }] };
  assert.equal(changes.tell(liked, style), '* sam in sam: "hello all" got 👍 nina');
  assert.equal(changes.tell(edited, style), '* sam in sam: "hello all" lost 👍 nina');
  const gone = message({ text: "", deleted: true });
  assert.equal(changes.tell(gone, style), '* sam in sam: "hello all" was deleted');
  assert.equal(changes.tell(gone, style), undefined);
});

Deno.test("no quote, reaction or changed text brings a control character to the terminal", () => {
  const hostile = fc.string({ unit: "binary", maxLength: 60 });
  const harmless = /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u;
  fc.assert(fc.property(hostile, hostile, hostile, (from, text, emoji) => {
    const changed = { text, reactions: [{ from, emoji }], replyTo: { id: "1", from, quote: text } };
    assert.match(shown({ from, ...changed }), harmless);
    const changes = new MessageChanges();
    changes.note(message({ from, text: emoji }));
    assert.match(changes.tell(message({ from, ...changed }), style) ?? "", harmless);
    assert.match(changes.tell(message({ from, text, reactions: [] }), style) ?? "", harmless);
  }));
});

Deno.test("a number that no message was given sends nothing, instead of the whole line as text", async () => {
  for (
    const [name, rest] of [["reply", "a77: yes"], ["react", "a77: \u{1f44d}"], [
      "edit",
      "a7:x",
    ]] as const
  ) {
    // An engine that does nothing at all: whatever is called on it is an error of another kind.
    const chat = { numbers: new MessageNumbers(), options: {} } as unknown as ChatContext;
    await assert.rejects(runSlash(chat, name, rest), { code: "not_found" });
  }
});

Deno.test("the commands that change messages are commands, and their near misses are not sent", () => {
  for (const name of ["reply", "edit", "delete", "react", "expire"]) {
    assert.deepEqual(readLine(`/${name} 12: x`), { kind: "command", name, rest: "12: x" });
  }
  assert.deepEqual(readLine("/expyre 1h"), {
    kind: "unknown",
    typed: "/expyre",
    nearest: "/expire",
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChatMessage } from "../../../client/engine/api.ts";
import { formatMessage, formatTime, type LineStyle } from "../../../client/ui/format.ts";
import { helpTable, nearest, readLine, slashCommands } from "../../../client/ui/slash.ts";
import { readWish } from "../../../client/ui/prompts.ts";

const plain: LineStyle = { utc: true, styled: false, multiline: true };

const message = (changes: Partial<ChatMessage>): ChatMessage => ({
  local: 1,
  id: "0",
  target: { kind: "lobby" },
  conversation: "#lobby",
  from: "sam",
  own: false,
  text: "hello",
  kind: "text",
  ts: Date.UTC(2026, 10, 21, 9, 30, 0),
  sentAt: 0,
  state: "received",
  read: false,
  ...changes,
});

Deno.test("a public line shows date, time, sender and message", () => {
  assert.equal(
    formatMessage(message({}), { style: plain, self: "erik" }),
    "2026-11-21 09:30:00 sam: hello",
  );
});

Deno.test("a private line shows its receiver, from either side", () => {
  const target = { kind: "direct", name: "sam" } as const;
  const incoming = message({ target, conversation: "sam" });
  assert.equal(
    formatMessage(incoming, { style: plain, self: "erik" }),
    "2026-11-21 09:30:00 sam: @erik hello",
  );
  const outgoing = message({
    target,
    conversation: "sam",
    from: "erik",
    own: true,
    state: "queued",
  });
  assert.equal(
    formatMessage(outgoing, { style: plain, self: "erik" }),
    "2026-11-21 09:30:00 erik: @sam hello (queued)",
  );
});

Deno.test("no name, text or problem brings a control character to the terminal", () => {
  const hostile = fc.string({ unit: "binary", maxLength: 60 });
  fc.assert(fc.property(hostile, hostile, hostile, (from, text, problem) => {
    const line = formatMessage(message({ from, text, problem, state: "failed" }), {
      style: { ...plain, multiline: false },
      self: from,
    });
    assert.match(line, /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u);
  }));
});

Deno.test("the second line of a text cannot pass for a line of somebody else", () => {
  const line = formatMessage(message({ text: "hi\n2026-11-21 09:30:01 erik: I agree" }), {
    style: plain,
    self: "x",
  });
  assert.equal(line.split("\n")[1], "    2026-11-21 09:30:01 erik: I agree");
});

Deno.test("times in UTC are written without regard to the machine's zone", () => {
  assert.equal(formatTime(0, true), "1970-01-01 00:00:00");
});

Deno.test("lines are read as text, private text, commands, or unknown commands that send nothing", () => {
  assert.deepEqual(readLine("  "), { kind: "nothing" });
  assert.deepEqual(readLine("hello /exit"), { kind: "say", text: "hello /exit" });
  assert.deepEqual(readLine("//exit"), { kind: "say", text: "/exit" });
  assert.deepEqual(readLine("@erik how are you"), {
    kind: "private",
    name: "erik",
    text: "how are you",
  });
  assert.deepEqual(readLine("@erik@mill how are you"), {
    kind: "private",
    name: "erik@mill",
    text: "how are you",
  });
  assert.deepEqual(readLine("@erik "), { kind: "command", name: "msg", rest: "erik" });
  assert.deepEqual(readLine("/MSG erik hi"), { kind: "command", name: "msg", rest: "erik hi" });
  assert.deepEqual(readLine("/exti"), { kind: "unknown", typed: "/exti", nearest: "/exit" });
  const exit = { kind: "say", text: "/exit" };
  assert.deepEqual(readLine("/exit", { pasted: true }), exit, "what was pasted is no command");
  const both = { kind: "private", name: "erik", text: "look:\nthis\nthat" };
  assert.deepEqual(
    readLine("@erik look:\nthis\nthat"),
    both,
    "lines pasted behind a name go there",
  );
});

Deno.test("a mistyped command suggests the nearest one, and nonsense none", () => {
  assert.equal(nearest("hlep"), "/help");
  assert.equal(nearest("notif"), "/notifications");
  assert.equal(nearest("qwertyuiop"), undefined);
});

Deno.test("the help fits the terminal, beside the commands or under them, cut between words", () => {
  for (const columns of [40, 60, 80, 120]) {
    const rows = helpTable(columns).split("\n");
    for (const row of rows) {
      const command = row.startsWith("/");
      assert.ok(row.length < columns || command && !row.includes("  "), `${columns}: ${row}`);
    }
    const words = rows.join(" ").replaceAll(/\s+/g, " ");
    for (const { usage, help } of slashCommands) {
      assert.ok(words.includes(`${usage} ${help}`), usage);
    }
  }
});

Deno.test("the first prompt takes a name, or the commands register and login", () => {
  assert.deepEqual(readWish(" sam "), { name: "sam", intent: "either" });
  assert.deepEqual(readWish("/register sam"), { name: "sam", intent: "register" });
  assert.deepEqual(readWish("/login sam"), { name: "sam", intent: "login" });
  assert.equal(readWish("/exit"), undefined);
  assert.equal(readWish("two words"), undefined);
});

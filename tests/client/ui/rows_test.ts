/** The row below the input, the lines between lines, and the colours. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChatMessage } from "../../../client/engine/api.ts";
import { chatStatus } from "../../../client/ui/chat_status.ts";
import { colourOf, paletteFor } from "../../../client/ui/colours.ts";
import { formatMessage } from "../../../client/ui/format.ts";
import { columnsOf } from "../../../client/ui/layout.ts";
import { backgroundOf, backgroundOfVariable } from "../../../client/ui/questions.ts";
import { Days, rule } from "../../../client/ui/rules.ts";
import { statusRow, statusText, styledStatus } from "../../../client/ui/status_row.ts";
import { wrappedWords } from "../../../client/ui/words.ts";

const own: ChatMessage = {
  local: 1,
  id: "m",
  target: { kind: "direct", name: "bob" },
  conversation: "bob",
  from: "ann",
  own: true,
  text: "hi",
  kind: "text",
  ts: 0,
  sentAt: 0,
  state: "delivered",
  read: true,
};

const facts = {
  self: "ann",
  connection: { kind: "online", address: "10.8.0.7", aheadMs: 0 },
  target: { kind: "direct", name: "bob" },
  conversation: { key: "verified", lifetime: 3_600_000 },
  unread: 3,
  waiting: 0,
  lastOwn: own,
  underWay: [],
} as const;

Deno.test("the status row names account, connection, verification, lifetime, what is unread, and the last message", () => {
  assert.equal(
    statusText(statusRow(chatStatus(facts), 200)),
    "ann \u00b7 online 10.8.0.7 \u00b7 @bob verified \u00b7 messages go after 1h \u00b7 3 unread elsewhere \u00b7 last message delivered",
  );
  const inGroup = {
    ...facts,
    target: { kind: "group", name: "team" },
    conversation: { members: { count: 5, verified: 2 }, lifetime: 0 },
    lastOwn: { ...own, readBy: { count: 2, of: 4 } },
    unread: 0,
    waiting: 1,
  } as const;
  assert.equal(
    statusText(statusRow(chatStatus(inGroup), 200)),
    "ann \u00b7 online 10.8.0.7 \u00b7 5 members, 2 verified \u00b7 1 waiting \u00b7 last message read by 2 of 4",
  );
});

Deno.test("the status row says whose server is away, and where a message waits for another server", () => {
  const far = {
    ...facts,
    target: { kind: "direct", name: "bob@mill" },
    conversation: { key: "unverified", lifetime: 0, away: "mill\x1b[2J" },
    unread: 0,
  } as const;
  const row = (lastOwn: ChatMessage) =>
    statusText(statusRow(chatStatus({ ...far, lastOwn }), 200)).split(" \u00b7 ").slice(2);
  assert.deepEqual(row({ ...own, state: "queued", away: "mill" }), [
    "@bob@mill not verified",
    "the server mill is away",
    "last message queued, mill is away",
  ]);
  const sent = { ...own, state: "sent" } as const;
  const last = (relay: ChatMessage["relay"]) =>
    row(relay === undefined ? sent : { ...sent, relay }).at(-1);
  assert.deepEqual(
    [
      undefined,
      { kind: "waiting", servers: ["mill"] } as const,
      { kind: "waiting", servers: ["mill"], at: "yard" } as const,
      { kind: "reached" } as const,
    ].map(last),
    [
      "last message sent",
      "last message queued at own server",
      "last message queued at yard",
      "last message reached their server",
    ],
  );
});

Deno.test("a changed key is the last thing to leave the status row, beside the connection", () => {
  const changed = { ...facts, conversation: { key: "changed", lifetime: 0 } } as const;
  const row = statusRow(chatStatus(changed), 31);
  assert.equal(statusText(row), "online \u00b7 KEY CHANGED \u00b7 3 unread");
  // deno-lint-ignore no-control-regex -- escape sequences are what is looked at
  assert.match(styledStatus(row), /\x1b\[22;7mKEY CHANGED\x1b\[27;2m/);
});

Deno.test("whatever it says, the status row fits every width", () => {
  const name = fc.string({ unit: "grapheme", maxLength: 30 });
  fc.assert(
    fc.property(
      name,
      name,
      fc.integer({ min: 0, max: 120 }),
      fc.nat(9),
      (self, to, columns, count) => {
        const parts = chatStatus({
          ...facts,
          self,
          connection: { kind: "offline", reason: to },
          target: { kind: "direct", name: to },
          unread: count,
          underWay: [`sending ${to} 3 %`],
        });
        assert.ok(columnsOf(statusText(statusRow(parts, columns))) <= columns);
      },
    ),
  );
});

Deno.test("a day is named before its first line, once, and not again for what comes late", () => {
  const day = 86_400_000;
  const at = Date.UTC(2026, 10, 21, 23, 59);
  const days = new Days({ utc: true, styled: false }, at);
  assert.equal(days.before(at), undefined);
  assert.equal(days.before(at + 60_000), "\u2500\u2500 Sunday, 22 November 2026 \u2500\u2500");
  assert.equal(days.before(at + 120_000), undefined);
  assert.equal(days.before(at - day), undefined);
  assert.equal(rule("3 unread", { styled: false }), "\u2500\u2500 3 unread \u2500\u2500");
});

Deno.test("names have the 16 colours that can be read on the background, and none without colours", () => {
  const style = { utc: true, styled: true, multiline: true };
  for (const background of ["dark", "light", undefined] as const) {
    const palette = paletteFor(background);
    const line = formatMessage(own, { style: { ...style, palette }, self: "ann" });
    // deno-lint-ignore no-control-regex -- escape sequences are what is looked at
    const [, colour] = /\x1b\[1;(\d+)mann\x1b\[22;39m/.exec(line) ?? [];
    assert.equal(Number(colour), colourOf("ANN", palette), "the same whatever its case");
    assert.ok(palette.every((one) => (one > 30 && one < 37) || (one > 90 && one < 97)));
    assert.ok(background === "dark" || !palette.some((one) => one === 33 || one === 93));
  }
  const plain = formatMessage(own, { style: { ...style, styled: false }, self: "ann" });
  assert.ok(!plain.includes("\x1b"));
});

Deno.test("the background is read from the terminal's answer or its variable", () => {
  assert.equal(backgroundOf("11;rgb:ffff/ffff/dddd"), "light");
  assert.equal(backgroundOf("11;rgb:1e/1e/2e"), "dark");
  assert.equal(backgroundOf("11;rgba:0000/0000/0000/ffff"), "dark");
  assert.equal(backgroundOf("11;?"), undefined);
  assert.equal(backgroundOfVariable("0;15"), "light");
  assert.equal(backgroundOfVariable("15;default;0"), "dark");
  assert.equal(backgroundOfVariable("15;default"), undefined);
  assert.equal(backgroundOfVariable(undefined), undefined);
});

Deno.test("words wrap within the width, and nothing of them is lost", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 200 }),
      fc.integer({ min: 16, max: 60 }),
      (text, width) => {
        const line = text.replaceAll("\n", " ");
        const rows = wrappedWords(line, width);
        const letters = (value: string) => value.replaceAll(" ", "");
        assert.equal(letters(rows.join("")), letters(line));
        if (/^[\x20-\x7e]*$/.test(line)) assert.ok(rows.every((row) => row.length <= width));
      },
    ),
  );
});

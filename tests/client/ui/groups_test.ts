import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChatMessage } from "../../../client/engine/api.ts";
import type { GroupInfo } from "../../../client/engine/api_groups.ts";
import { formatMessage, type LineStyle, stateDetail } from "../../../client/ui/format.ts";
import { groupLine, memberLines } from "../../../client/ui/group_words.ts";
import { readLine } from "../../../client/ui/slash.ts";
import { addressOf, sameTarget, targetOf } from "../../../client/ui/target.ts";

const plain: LineStyle = { utc: true, styled: false, multiline: false };

const message = (changes: Partial<ChatMessage>): ChatMessage => ({
  local: 1,
  id: "0",
  target: { kind: "group", name: "team", id: "1" },
  conversation: "#team",
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

const info = (changes: Partial<GroupInfo> = {}): GroupInfo => ({
  target: { kind: "group", name: "team", id: "1" },
  id: "1",
  name: "team",
  named: true,
  standing: "active",
  members: [
    { name: "sam", account: "a", role: "member", self: true },
    { name: "olga", account: "b", role: "owner", self: false },
  ],
  role: "member",
  unread: 2,
  ...changes,
});

const show = (one: ChatMessage) => formatMessage(one, { style: plain, self: "erik" });

Deno.test("a line of a group names the group, and one about the group nobody as its author", () => {
  assert.equal(show(message({})), "2026-11-21 09:30:00 sam: #team hello");
  const notice = message({ kind: "notice", text: "sam added kim" });
  assert.equal(show(notice), "2026-11-21 09:30:00 * #team sam added kim");
  const asks = message({ request: true });
  assert.equal(show(asks), "2026-11-21 09:30:00 sam: #team hello (request: accept or decline it)");
});

Deno.test("the history says by how many of the others a message was read", () => {
  const own = message({ own: true, state: "delivered", readBy: { count: 3, of: 5 } });
  assert.equal(stateDetail(own, true), " [delivered, read by 3 of 5]");
  assert.equal(stateDetail({ ...own, readBy: { count: 0, of: 5 } }, true), " [delivered]");
  assert.equal(
    stateDetail({ ...own, readBy: { count: 5, of: 5 }, state: "read" }, true),
    " [read]",
  );
});

Deno.test("a group is addressed by # and its name; a name alone turns to it, and nothing is sent", () => {
  assert.deepEqual(readLine("#team hello all"), { kind: "group", name: "team", text: "hello all" });
  assert.deepEqual(readLine("#team~3f2a x"), { kind: "group", name: "team~3f2a", text: "x" });
  assert.deepEqual(readLine("#team"), { kind: "command", name: "to", rest: "#team" });
  assert.deepEqual(readLine("# a heading"), { kind: "say", text: "# a heading" });
  assert.deepEqual(targetOf("#Lobby"), { kind: "lobby" });
  assert.equal(addressOf(targetOf("#team")), "#team");
});

Deno.test("two groups of one name are not the same conversation", () => {
  const one = { kind: "group", name: "team", id: "1" } as const;
  assert.ok(sameTarget(one, { ...one, name: "Team" }));
  assert.ok(!sameTarget(one, { ...one, id: "2" }));
  assert.ok(sameTarget(one, { kind: "group", name: "TEAM" }));
  assert.ok(!sameTarget({ kind: "direct", name: "team" }, one));
});

Deno.test("a group's line says where one stands, and its members by their roles", () => {
  assert.equal(groupLine(info()), "#team  2 members  you are a member  2 unread");
  assert.match(groupLine(info({ standing: "request", by: "olga" })), /invitation by olga/);
  assert.match(groupLine(info({ standing: "removed", by: "olga" })), /removed by olga/);
  assert.deepEqual(memberLines(info()), ["olga  owner", "sam  member  (you)"]);
});

Deno.test("no name of a group or member, and no line about it, brings a control character to the terminal", () => {
  const hostile = fc.string({ unit: "binary", maxLength: 60 });
  const harmless = /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u;
  fc.assert(fc.property(hostile, hostile, hostile, (name, by, text) => {
    const members = [{ name: by, account: "a", role: "admin" as const, self: false }];
    for (const standing of ["active", "request", "removed", "dissolved", "left"] as const) {
      assert.match(groupLine(info({ name, by, standing })), harmless);
    }
    for (const line of memberLines(info({ members }))) assert.match(line, harmless);
    const target = { kind: "group", name, id: "1" } as const;
    const notice = message({ kind: "notice", target, conversation: `#${name}`, text, from: by });
    assert.match(show(notice), harmless);
  }));
});

import assert from "node:assert/strict";
import type { ChatMessage } from "../../../client/engine/api.ts";
import { UnnamedNotices } from "../../../client/ui/unnamed.ts";

const id = "55dc9d0e-0000-4000-8000-000000000000";

const line = (changes: { name: string; kind?: ChatMessage["kind"]; id?: string }): ChatMessage => ({
  local: 1,
  id: "0",
  target: { kind: "group", name: changes.name, id: changes.id ?? id },
  conversation: `#${changes.name}`,
  from: "sam",
  own: false,
  text: "sam added you",
  kind: changes.kind ?? "notice",
  ts: 0,
  sentAt: 0,
  state: "received",
  read: true,
});

Deno.test("a line about a group without a name is held back, and shown under the name once it is there", () => {
  const notices = new UnnamedNotices();
  assert.equal(notices.hold(line({ name: "group-55dc" })), true);
  assert.deepEqual(notices.release(line({ name: "other", id: "66" })), []);
  const shown = notices.release(line({ name: "team", kind: "text" }));
  assert.deepEqual(shown.map(({ conversation, text }) => [conversation, text]), [
    ["#team", "sam added you"],
  ]);
  assert.deepEqual(notices.release(line({ name: "team" })), []);
});

Deno.test("messages, and lines of groups with a name, are never held back", () => {
  const notices = new UnnamedNotices();
  assert.equal(notices.hold(line({ name: "group-55dc", kind: "text" })), false);
  assert.equal(notices.hold(line({ name: "team" })), false);
});

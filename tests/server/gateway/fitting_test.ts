import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { frameLimits } from "../../../lib/base/limits.ts";
import { fitting } from "../../../server/gateway/fitting.ts";
import { quiet, stalledWorld } from "./stalled.ts";

Deno.test("a page is cut where it would not fit into a frame, never to nothing", () => {
  const rows = Array.from({ length: 300 }, () => "\u{1F600}\u0001".repeat(40));
  const cut = fitting({ rows, more: false });
  ok(cut.more && cut.rows.length > 100 && cut.rows.length < 300);
  ok(new TextEncoder().encode(JSON.stringify(cut.rows)).length < frameLimits.headerBytes);
  deepStrictEqual(fitting({ rows: ["a"], more: true }), { rows: ["a"], more: true });
  strictEqual(fitting({ rows: ["x".repeat(frameLimits.headerBytes)], more: false }).rows.length, 1);
});

Deno.test("users with many addresses and conversations with many removals are listed page by page", async () => {
  const { connect, waiting } = stalledWorld();
  const { requests } = await connect();
  const users = Array.from({ length: 200 }, (_, at) => ({
    name: "n".repeat(32),
    account: `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`,
    online: true,
    addresses: Array<string>(16).fill("10.8.255.255"),
    lastSeen: 1_800_000_000_000,
  }));
  const listing = requests.request({ type: "directory.users", scope: "all" });
  await quiet(() => waiting.length);
  waiting.pop()?.answer({ users, more: false });
  const { message } = await listing;
  ok(message.more && message.users.length > 100);
  const conversations = users.slice(0, 50).map(({ account }) => ({
    conversation: account,
    kind: "direct",
    members: [],
    epoch: 1,
    head: 1,
    cursor: null,
    unread: 0,
    state: "active",
    leaving: [],
    removals: Array<string>(100).fill("A".repeat(43)),
  }));
  const conversing = requests.request({ type: "conversation.list" });
  await quiet(() => waiting.length);
  waiting.pop()?.answer({ conversations, more: false });
  const list = (await conversing).message;
  ok(list.more && list.conversations.length > 5);
});

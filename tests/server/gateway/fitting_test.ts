import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { utf8Length } from "../../../lib/base/bytes.ts";
import { frameLimits, mlsLimits, textLimits } from "../../../lib/base/limits.ts";
import { fitting, thinned } from "../../../server/gateway/fitting.ts";
import { quiet, stalledWorld } from "./stalled.ts";

Deno.test("a page is cut where it would not fit into a frame, never to nothing", () => {
  const rows = Array.from({ length: 300 }, () => "\u{1F600}\u0001".repeat(40));
  const cut = fitting({ rows, more: false });
  ok(cut.more && cut.rows.length > 100 && cut.rows.length < 300);
  ok(new TextEncoder().encode(JSON.stringify(cut.rows)).length < frameLimits.headerBytes);
  deepStrictEqual(fitting({ rows: ["a"], more: true }), { rows: ["a"], more: true });
  strictEqual(fitting({ rows: ["x".repeat(frameLimits.headerBytes)], more: false }).rows.length, 1);
});

Deno.test("a conversation whose row alone would not fit into a frame says less of each member", () => {
  const id = "ffffffff-ffff-4fff-bfff-ffffffffffff";
  const list = <T>(one: T): T[] => Array<T>(mlsLimits.groupDevices).fill(one);
  const [large, time] = [2 ** 28, 8_640_000_000_000_000];
  const progress = { delivered: large, deliveredAt: time, read: large, readAt: time };
  const name = (server: number) => `${"n".repeat(textLimits.nameMax)}@${"s".repeat(server)}`;
  const row = (server: number) => ({
    conversation: id,
    kind: "group" as const,
    hub: "s".repeat(64),
    hubAway: true as const,
    members: list({
      account: id,
      name: name(server),
      role: "member" as const,
      ...progress,
      reached: large,
    }),
    epoch: large,
    incarnation: large,
    head: large,
    cursor: large,
    acked: large,
    used: { epoch: large, generations: large },
    lost: large,
    unread: large,
    state: "request" as const,
    by: id,
    removals: list("A".repeat(43)),
    leaving: list(id),
  });
  const fits = (one: ReturnType<typeof thinned>) =>
    utf8Length(
      JSON.stringify([{
        type: "conversation.list.ok",
        id: large,
        conversations: [one],
        more: true,
      }]),
    ) <=
      frameLimits.headerBytes;
  ok(!fits(row(64)) && fits(thinned(row(64))));
  deepStrictEqual(thinned(row(1)), row(1));
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

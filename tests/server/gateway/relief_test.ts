import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { relieve } from "../../../server/gateway/relief.ts";
import { gatewayLimits } from "../../../server/gateway/limits.ts";
import { stalledWorld } from "./stalled.ts";

function crowd(...queued: number[]) {
  const dropped: number[] = [];
  const connections = queued.map((queuedBytes) => ({
    queuedBytes,
    dropSlow: () => void dropped.push(queuedBytes),
  }));
  return { connections, dropped };
}

Deno.test("those for which most waits are disconnected, and no more of them than needed", () => {
  const { connections, dropped } = crowd(10, 40, 0, 30, 20);
  strictEqual(relieve(connections, 100), 0);
  deepStrictEqual(dropped, []);
  strictEqual(relieve(connections, 50), 2);
  deepStrictEqual(dropped, [40, 30]);
});

Deno.test("a gateway whose readers together are too slow lets the slowest go", async () => {
  const { connect, nudge, clock } = stalledWorld({ ...gatewayLimits, unsentBytes: 100_000 });
  const [slow, brisk] = [await connect({ receive: true }), await connect({ receive: true })];
  const text = "x".repeat(16_000);
  const device = toBase64url(new Uint8Array(32));
  const post = { account: randomId(), name: "sam", device, post: randomId(), text };
  const signature = toBase64url(new Uint8Array(64));
  slow.serverEnd.gate = new Promise(() => undefined);
  for (let seq = 1; seq <= 8; seq++) {
    nudge([{
      kind: "lobby",
      post: { ...post, seq, sentAt: 1, ts: 1, signature },
    }]);
    await clock.advance(1);
  }
  deepStrictEqual([slow.serverEnd.closed, brisk.serverEnd.closed], [false, false]);
  await clock.advance(6_000);
  strictEqual(slow.serverEnd.closed, true);
  strictEqual(brisk.serverEnd.closed, false);
});

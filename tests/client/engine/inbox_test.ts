import assert from "node:assert/strict";
import type { Core } from "../../../client/engine/core.ts";
import { Groups } from "../../../client/engine/groups.ts";
import { Inbox } from "../../../client/engine/inbox.ts";
import type { LogEvent } from "../../../client/engine/intake.ts";

/** An inbox whose store never gets done. */
function stuckInbox(busy: boolean): Inbox {
  const locks = { run: () => new Promise<never>(() => undefined) };
  const threads = { byConversation: () => undefined };
  const core = { locks, threads } as unknown as Core;
  const services = {
    resolve: () => Promise.resolve(),
    rejoin: () => undefined,
    kindOf: () => Promise.resolve("direct" as const),
    dispute: () => undefined,
    replan: () => undefined,
    renew: () => undefined,
    relist: () => undefined,
    readFurther: () => undefined,
    failed: () => undefined,
  };
  return new Inbox(core, { groups: new Groups(core), busy: () => busy, services });
}

function row(seq: number, body: Uint8Array): LogEvent {
  return {
    message: {
      type: "message",
      conversation: crypto.randomUUID(),
      seq,
      account: crypto.randomUUID(),
      device: "A".repeat(43),
      ts: 0,
      message: crypto.randomUUID(),
      epoch: 1,
      body: body.length,
    },
    body,
  };
}

Deno.test("reading pauses early when the rows are large", () => {
  const inbox = stuckInbox(false);
  const body = new Uint8Array(1024 * 1024);
  let taken = 0;
  while (inbox.take(row(taken + 1, body)) === undefined) taken += 1;
  assert.ok(taken < 32, `${taken} MiB`);
});

Deno.test("a server that floods its client while it waits for a reply is left", () => {
  const inbox = stuckInbox(true);
  const body = new Uint8Array(1024 * 1024);
  let taken = 0;
  assert.throws(() => {
    for (; taken < 100_000; taken++) void inbox.take(row(taken + 1, body));
  }, { code: "too_large" });
  assert.ok(taken < 512, `${taken} MiB`);
});

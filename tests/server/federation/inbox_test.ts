import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { AppError } from "../../../lib/base/errors.ts";
import { peerLimits } from "../../../lib/base/limits.ts";
import { type ArrivedItem, Inbox } from "../../../server/federation/inbox.ts";
import type { Storage } from "../../../server/operations/contract.ts";
import { ManualClock, turns } from "../../wire/kit.ts";

function item(counter: number, bytes = 10): ArrivedItem {
  const content = {
    kind: "lobby" as const,
    post: "",
    certificate: "",
    text: "",
    sentAt: 1,
    signature: "",
  };
  return { content, item: { counter, item: "x".repeat(bytes), body: new Uint8Array(0) } };
}

type Stored = { readonly received: number; readonly retryAfterMs: number };

/** An inbox whose storing the test answers by hand. */
function setUp() {
  const calls: {
    readonly counters: number[];
    readonly done: (stored: Stored | AppError) => void;
  }[] = [];
  const call = (_: string, input: unknown) => {
    const { items } = input as { readonly items: readonly { readonly counter: number }[] };
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    const done = (stored: Stored | AppError) =>
      stored instanceof AppError ? reject(stored) : resolve({ ok: true, ...stored });
    calls.push({ counters: items.map(({ counter }) => counter), done });
    return promise;
  };
  const told: string[] = [];
  const clock = new ManualClock();
  const ending = new AbortController();
  const inbox = new Inbox({
    peer: 1,
    storage: { call } as unknown as Storage,
    clock,
    signal: ending.signal,
    received: (counter) => void told.push(`received ${counter}`),
    held: ({ item }) => void told.push(`held ${item.counter}`),
    stored: (items) => void told.push(`stored ${items.length}`),
    failed: ({ code }) => void told.push(`failed ${code}`),
  });
  return { inbox, calls, told, clock, ending };
}

Deno.test("what arrives while items are being stored is stored together behind them", async () => {
  const { inbox, calls, told } = setUp();
  inbox.add([item(1)]);
  inbox.add([item(2)]);
  inbox.add([item(3), item(4)]);
  deepStrictEqual(calls.map(({ counters }) => counters), [[1]]);
  let empty = false;
  const all = inbox.empty().then(() => empty = true);
  calls[0]?.done({ received: 1, retryAfterMs: 0 });
  await turns();
  strictEqual(empty, false);
  deepStrictEqual(calls.map(({ counters }) => counters), [[1], [2, 3, 4]]);
  calls[1]?.done({ received: 4, retryAfterMs: 0 });
  await all;
  deepStrictEqual(told, ["received 1", "stored 1", "received 4", "stored 3"]);
});

Deno.test("a peer that sends faster than it may has to wait, and nothing is taken twice", async () => {
  const { inbox, calls, told, clock } = setUp();
  inbox.add([item(1), item(2), item(3)]);
  calls[0]?.done({ received: 1, retryAfterMs: 500 });
  await turns();
  strictEqual(calls.length, 1);
  await clock.advance(500);
  deepStrictEqual(calls[1]?.counters, [2, 3]);
  calls[1]?.done({ received: 3, retryAfterMs: 0 });
  await inbox.empty();
  deepStrictEqual(told, ["received 1", "held 2", "received 3", "stored 3"]);
});

Deno.test("whatever arrives at once is stored a little at a time, so that others are served between", async () => {
  const { inbox, calls, told } = setUp();
  const { storedItems, storedBytes } = peerLimits;
  const small = Array.from({ length: storedItems + 1 }, (_, at) => item(at + 1));
  const large = [item(storedItems + 2, storedBytes), item(storedItems + 3, storedBytes + 1)];
  inbox.add([...small, ...large]);
  for (const at of [0, 1, 2, 3]) {
    const last = calls[at]?.counters.at(-1) ?? 0;
    calls[at]?.done({ received: last, retryAfterMs: 0 });
    await turns();
  }
  await inbox.empty();
  const [first, ...rest] = calls.map(({ counters }) => counters);
  deepStrictEqual(first?.length, storedItems);
  deepStrictEqual(rest, [[storedItems + 1], [storedItems + 2], [storedItems + 3]]);
  deepStrictEqual(told.at(-1), `stored ${storedItems + 3}`);
});

Deno.test("no more waits than one window holds", async () => {
  const { inbox, calls } = setUp();
  inbox.add([item(1, peerLimits.windowBytes + 1)]);
  let room = false;
  const waiting = inbox.room().then(() => room = true);
  await turns();
  strictEqual(room, false);
  calls[0]?.done({ received: 1, retryAfterMs: 0 });
  await waiting;
});

Deno.test("items that cannot be stored end it, and so does the end of the link", async () => {
  const broken = setUp();
  broken.inbox.add([item(1)]);
  broken.calls[0]?.done(new AppError("storage_full", { fault: "us" }));
  await broken.inbox.empty();
  deepStrictEqual(broken.told, ["failed storage_full"]);
  const over = setUp();
  over.inbox.add([item(1), item(2)]);
  over.calls[0]?.done({ received: 1, retryAfterMs: 60_000 });
  await turns();
  over.ending.abort(new AppError("timeout"));
  await over.inbox.ended;
  await over.inbox.room();
  deepStrictEqual(over.told, ["received 1", "held 2"]);
  strictEqual(over.calls.length, 1);
});

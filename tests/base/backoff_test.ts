import { strictEqual } from "node:assert/strict";
import { askedPauseMs } from "../../lib/base/backoff.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { RefusedError } from "../../lib/wire/errors.ts";

Deno.test("a pause that the other side asks for is neither none nor endless", () => {
  strictEqual(askedPauseMs(0), 250);
  strictEqual(askedPauseMs(5000), 5000);
  strictEqual(askedPauseMs(Number.MAX_SAFE_INTEGER), 60 * 60 * 1000);
  for (const retryAfterMs of [0, Number.MAX_SAFE_INTEGER]) {
    const refused = new RefusedError({
      type: "error",
      code: "rate_limited",
      message: "",
      retry: "later",
      retryAfterMs,
      connection: "",
    });
    strictEqual(refused.retryAfterMs, askedPauseMs(retryAfterMs));
  }
});

Deno.test("a timer for longer than the runtime has timers is set for the longest that it has", () => {
  const { setTimeout } = globalThis;
  const asked: unknown[] = [];
  globalThis.setTimeout = new Proxy(setTimeout, {
    apply(timer, self, given) {
      asked.push(given[1]);
      return Reflect.apply(timer, self, given);
    },
  });
  try {
    systemClock.after(Number.MAX_SAFE_INTEGER, () => undefined)();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  strictEqual(asked.join(), String(2 ** 31 - 1));
});

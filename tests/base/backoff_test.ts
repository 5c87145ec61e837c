import { ok, strictEqual } from "node:assert/strict";
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

Deno.test("a timer for longer than the runtime has timers does not go off at once", async () => {
  let early = false;
  const cancel = systemClock.after(Number.MAX_SAFE_INTEGER, () => early = true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  cancel();
  ok(!early);
});

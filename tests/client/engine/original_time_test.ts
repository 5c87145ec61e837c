import assert from "node:assert/strict";
import { resendLimits } from "../../../lib/base/limits.ts";
import { originalTime } from "../../../client/engine/repair/original_time.ts";

const setBackAt = 1_763_683_200_000;
const minute = 60_000;

Deno.test("what was said before a conversation was set back, and comes after that, keeps its time", () => {
  const before = { ts: setBackAt + minute, sentAt: setBackAt - 5 * minute };
  assert.equal(originalTime(before, setBackAt), before.sentAt);
  assert.equal(originalTime(before, 0), before.ts);
});

Deno.test("an author's date counts for nothing else, and not beyond a month on either side", () => {
  const { keepMs } = resendLimits;
  for (
    const row of [
      { ts: setBackAt + minute, sentAt: setBackAt + 1 },
      { ts: setBackAt - minute, sentAt: setBackAt - 5 * minute },
      { ts: setBackAt + minute, sentAt: setBackAt - keepMs - 1 },
      { ts: setBackAt + keepMs + 1, sentAt: setBackAt - 1 },
      { ts: setBackAt + minute, sentAt: 0 },
      { ts: setBackAt + minute },
    ]
  ) assert.equal(originalTime(row, setBackAt), row.ts);
});

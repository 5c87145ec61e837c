import assert from "node:assert/strict";
import fc from "fast-check";
import { serverLimits } from "../../../lib/base/limits.ts";
import { addressHost, addressText, nextHost } from "../../../server/domain/addresses.ts";
import { type ClockTrust, trustClock } from "../../../server/domain/clock_trust.ts";
import {
  delayAfter,
  failureMemoryMs,
  remembered,
  waitMs,
} from "../../../server/domain/login_delay.ts";
import { countOthers, type Run } from "../../../server/domain/progress.ts";
import { waitForWindow, windowAt } from "../../../server/domain/rate.ts";

Deno.test("login delays begin after the free failures, never shrink and stay under their ceiling", () => {
  for (let count = 0; count <= serverLimits.freeLoginFailures; count++) {
    assert.equal(delayAfter(count), 0);
  }
  assert.equal(delayAfter(serverLimits.freeLoginFailures + 1), serverLimits.loginDelayFirstMs);
  fc.assert(fc.property(fc.nat(10_000), (count) => {
    assert(delayAfter(count + 1) >= delayAfter(count));
    assert(delayAfter(count) <= serverLimits.loginDelayMaxMs);
  }));
});

Deno.test("failures are forgotten after a day", () => {
  const failures = { count: 50, at: 1000 };
  assert.equal(remembered(failures, 1000 + failureMemoryMs).count, 50);
  assert.equal(remembered(failures, 1001 + failureMemoryMs).count, 0);
  assert.equal(waitMs(remembered(failures, 2000), 2000), serverLimits.loginDelayMaxMs - 1000);
  assert.equal(waitMs(remembered(undefined, 5), 5), 0);
});

Deno.test("a window lets through what is allowed and then says how long to wait", () => {
  const allowance = { most: 2, windowMs: 100 };
  const first = windowAt(undefined, 1000, allowance);
  assert.equal(waitForWindow({ ...first, count: 1 }, 1000, allowance), 0);
  assert.equal(waitForWindow({ ...first, count: 2 }, 1030, allowance), 70);
  assert.deepEqual(windowAt({ count: 2, at: 1000 }, 1100, allowance), { count: 0, at: 1100 });
  // A clock that was set back does not lock anybody out.
  assert.deepEqual(windowAt({ count: 2, at: 5000 }, 1100, allowance), { count: 0, at: 1100 });
});

Deno.test("virtual addresses are unique, go round, and leave out the first and last of the network", () => {
  const taken = new Set<number>();
  let last = 0;
  for (let i = 0; i < 0xfffe; i++) {
    const host = nextHost(taken, last);
    assert(host !== undefined && !taken.has(host));
    taken.add(host);
    last = host;
  }
  assert(!taken.has(0) && !taken.has(0xffff));
  assert.equal(nextHost(taken, last), undefined);
  taken.delete(300);
  assert.equal(nextHost(taken, last), 300);
});

Deno.test("an address's text leads back to its host", () => {
  assert.equal(addressText(0xfffe), "10.8.255.254");
  fc.assert(
    fc.property(fc.nat(0xffff), (host) => assert.equal(addressHost(addressText(host)), host)),
  );
  for (const bad of ["10.9.0.1", "10.8.256.1", "10.8.1", ""]) {
    assert.throws(() => addressHost(bad), TypeError);
  }
});

Deno.test("unread messages counted over stretches are those counted one by one", () => {
  const senders = fc.array(fc.nat(3), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(senders, fc.nat(35), fc.integer({ min: 1, max: 3 }), (rows, read, account) => {
      const after = Math.min(read, rows.length);
      const runs: Run[] = [];
      rows.forEach((sender, index) => {
        if (index === 0 || rows[index - 1] !== sender) {
          runs.push({ seq: index + 1, account: sender });
        }
      });
      const from = runs.findLastIndex((run) => run.seq <= after + 1);
      const counted = countOthers(runs.slice(Math.max(0, from)), {
        after,
        head: rows.length,
        account,
      });
      const expected = rows.slice(after).filter((sender) =>
        sender !== 0 && sender !== account
      ).length;
      assert.equal(counted, expected);
    }),
  );
});

Deno.test("the trusted time is a whole number, never after the clock, and jumps only after long doubt", () => {
  const steps = fc.array(fc.record({
    jump: fc.integer({ min: -400 * 86_400_000, max: 400 * 86_400_000 }),
    ranMs: fc.double({ min: 0, max: 86_400_000, noNaN: true }),
  }));
  fc.assert(fc.property(steps, (readings) => {
    let now = Date.UTC(2026, 0);
    let trust: ClockTrust = trustClock(undefined, { now, ranMs: 0 });
    for (const { jump, ranMs } of readings) {
      now += Math.round(ranMs) + jump;
      const next = trustClock(trust, { now, ranMs });
      assert(Number.isSafeInteger(next.at) && Number.isSafeInteger(next.doubtedMs));
      assert(next.at <= now);
      const ahead = next.at - trust.at - ranMs > serverLimits.clockJumpMs + 1;
      const waited = trust.doubtedMs + ranMs + 1 >= serverLimits.clockDoubtMs;
      assert(!ahead || waited, "ahead only after the doubt has lasted");
      trust = next;
    }
  }));
});

import assert from "node:assert/strict";
import { mlsLimits } from "../../../lib/base/limits.ts";
import { StagedCommits } from "../../../server/requests/staging.ts";
import { ManualClock } from "../../wire/kit.ts";

const piece = (size: number, fill = 1) => new Uint8Array(size).fill(fill);
const of = (device: string, hash = "hash") => ({ device, hash });

Deno.test("pieces come together in order, once, each device's apart", () => {
  const staged = new StagedCommits(new ManualClock());
  assert.deepEqual(staged.add(of("a"), { offset: 0, bytes: piece(2, 1) }), { ok: true, staged: 2 });
  staged.add(of("b"), { offset: 0, bytes: piece(1, 9) });
  assert.deepEqual(staged.add(of("a"), { offset: 2, bytes: piece(1, 2) }), { ok: true, staged: 3 });
  const gap = staged.add(of("a"), { offset: 2, bytes: piece(1) });
  assert.deepEqual(gap, { ok: false, code: "malformed" });
  assert.deepEqual([...staged.take(of("a"), piece(1, 3))], [1, 1, 2, 3]);
  assert.deepEqual([...staged.take(of("a"), piece(1, 3))], [3], "nothing is left of it");
  assert.equal(staged.bytes, 1);
});

Deno.test("whoever begins anew has nothing left of the attempt before", () => {
  const staged = new StagedCommits(new ManualClock());
  staged.add(of("a"), { offset: 0, bytes: piece(100) });
  staged.add(of("a"), { offset: 0, bytes: piece(3, 7) });
  assert.equal(staged.bytes, 3);
  assert.deepEqual([...staged.take(of("a"), piece(0))], [7, 7, 7]);
});

Deno.test("pieces that nobody asks for go, the oldest first, and never take more than their share", async () => {
  const clock = new ManualClock();
  const staged = new StagedCommits(clock, 1000);
  for (const device of ["a", "b", "c"]) staged.add(of(device), { offset: 0, bytes: piece(400) });
  assert.equal(staged.bytes, 800);
  assert.equal(staged.take(of("a"), piece(0)).length, 0);
  assert.equal(staged.take(of("b"), piece(0)).length, 400);
  await clock.advance(31_000);
  staged.add(of("d"), { offset: 0, bytes: piece(1) });
  assert.equal(staged.bytes, 1, "half a minute is enough for the request to follow");
  const whole = new StagedCommits(clock);
  const most = { offset: 0, bytes: piece(mlsLimits.commitBytes) };
  assert.equal(whole.add(of("a"), most).ok, true);
  const more = whole.add(of("a"), { offset: mlsLimits.commitBytes, bytes: piece(1) });
  assert.deepEqual(more, { ok: false, code: "too_large" });
});

import assert from "node:assert/strict";
import { armCrashPoint, parseCrashPlan, reach } from "../../lib/base/crashpoint.ts";

class Killed extends Error {}
const kill = () => {
  throw new Killed();
};

Deno.test("a crash point that is not armed does nothing", () => {
  armCrashPoint(undefined, kill);
  reach("server:appended");
});

Deno.test("an armed crash point kills at the pass it was armed for and at no other point", () => {
  armCrashPoint(parseCrashPlan("server:appended:3"), kill);
  reach("server:committed");
  reach("server:appended");
  reach("server:appended");
  assert.throws(() => reach("server:appended"), Killed);
  armCrashPoint(undefined, kill);
});

Deno.test("a plan without a number means the first pass, and an unknown point is refused", () => {
  assert.deepEqual(parseCrashPlan("client:sealed"), { point: "client:sealed", pass: 1 });
  for (const bad of ["", "server", "server:nowhere", "server:acked:0", "server:acked:x"]) {
    assert.throws(() => parseCrashPlan(bad), TypeError);
  }
});

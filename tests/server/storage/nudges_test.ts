import assert from "node:assert/strict";
import type { MessageRow, Nudge } from "../../../server/operations/contract.ts";
import { NudgeGatherer } from "../../../server/storage/nudges.ts";

const conversation = crypto.randomUUID();

function row(seq: number, size = 10): MessageRow {
  const whose = { conversation, account: "", device: `device${seq}` };
  const message = crypto.randomUUID();
  return { type: "message", ...whose, seq, ts: 0, epoch: 1, message, bytes: new Uint8Array(size) };
}

function log(seq: number, devices: string[], rows?: MessageRow[]): Nudge {
  return { kind: "log", conversation, seq, devices, ...(rows === undefined ? {} : { rows }) };
}

/** What all of them become, and the rows that go along. */
function gathered(...nudges: Nudge[]) {
  const gatherer = new NudgeGatherer();
  for (const nudge of nudges) gatherer.add(nudge);
  const [one, ...more] = gatherer.all();
  assert(one?.kind === "log" && more.length === 0);
  return { seq: one.seq, devices: one.devices, rows: one.rows?.map(({ seq }) => seq) };
}

Deno.test("messages of one conversation travel in one nudge, in order, to all whom they are for", () => {
  const nudges = [log(4, ["a", "b"], [row(4)]), log(5, ["b", "c"], [row(5)])];
  assert.deepEqual(gathered(...nudges), { seq: 5, devices: ["a", "b", "c"], rows: [4, 5] });
});

Deno.test("where a row is missing between them, or one is no message, all are left to be read", () => {
  const [first, third] = [log(4, ["a"], [row(4)]), log(6, ["a"], [row(6)])];
  assert.equal(gathered(first, third).rows, undefined);
  assert.equal(gathered(first, log(5, ["a"])).rows, undefined);
  assert.equal(gathered(log(5, ["a"]), third).rows, undefined);
  assert.equal(gathered(first, log(5, ["a"]), third).rows, undefined);
});

Deno.test("no more rows travel than one reading of the log would give", () => {
  const many = Array.from({ length: 300 }, (_, at) => log(at + 1, ["a"], [row(at + 1)]));
  assert.equal(gathered(...many.slice(0, 256)).rows?.length, 256);
  assert.equal(gathered(...many).rows, undefined);
  const large = [log(1, ["a"], [row(1, 200_000)]), log(2, ["a"], [row(2, 200_000)])];
  assert.equal(gathered(...large).rows, undefined);
});

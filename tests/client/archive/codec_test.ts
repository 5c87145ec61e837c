import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ArchiveBatch,
  batchHash,
  canonicalJson,
  openBatch,
  sealBatch,
} from "../../../client/engine/archive/codec.ts";
import {
  BatchBuilder,
  type Record,
  recordsOf,
  without,
} from "../../../client/engine/archive/records.ts";
import { fromHex, toBase64url, toHex, utf8 } from "../../../lib/base/bytes.ts";
import { archiveBatchKey } from "../../../lib/crypto/archive_key.ts";
import { archiveVectors } from "../../vectors/make_archive.ts";

const key = new Uint8Array(32).fill(7);
const place = { account: crypto.randomUUID(), position: 3, revision: 2 };

const message = fc.record({
  kind: fc.constant("message" as const),
  conversation: fc.record({
    id: fc.constantFrom(crypto.randomUUID(), crypto.randomUUID()),
    kind: fc.constantFrom("direct" as const, "group" as const),
    name: fc.string({ minLength: 1 }),
  }),
  id: fc.uuid(),
  seq: fc.nat(),
  ts: fc.nat(),
  sentAt: fc.nat(),
  own: fc.boolean(),
  asOf: fc.nat(),
  content: fc.oneof(
    fc.record({ from: fc.string(), text: fc.string() }),
    fc.record({ from: fc.string(), text: fc.string(), signedBy: fc.constantFrom("aa", "bb") })
      .map(({ from, text, signedBy }) => ({
        from,
        text,
        signed: {
          content: toBase64url(utf8(JSON.stringify({ v: 1, text }))),
          signature: "sig",
          certificate: signedBy,
        },
      })),
  ),
});

function batchOf(records: readonly Record[]): ArchiveBatch {
  const builder = new BatchBuilder({ conversations: [], certificates: [], entries: [] });
  for (const record of records) builder.add(record);
  return { trail: ["x"], replaced: [], total: records.length, ...builder.parts };
}

Deno.test("whatever messages go into a batch come out as they were", () => {
  fc.assert(fc.property(fc.array(message, { maxLength: 20 }), (records) => {
    const sealed = sealBatch(key, place, batchOf(records));
    const opened = recordsOf(openBatch(key, place, sealed));
    assert.equal(canonicalJson(opened), canonicalJson(records));
    assert.equal((sealed.length - 28) % 4096, 0);
  }));
});

Deno.test("what is taken out of a batch leaves neither its text nor the name of its conversation", () => {
  fc.assert(fc.property(fc.array(message, { minLength: 1, maxLength: 9 }), (records) => {
    const gone = records[0]?.id;
    const left = without(batchOf(records), (one) => one.kind === "message" && one.id === gone);
    assert.ok(recordsOf(left).every((one) => one?.kind === "message" && one.id !== gone));
    assert.equal(recordsOf(left).length, records.filter(({ id }) => id !== gone).length);
    if (records.length === 1) assert.ok(left.conversations.every(({ name }) => name === ""));
  }));
});

Deno.test("a batch opens only for its account, position, revision and key, and unchanged", () => {
  const sealed = sealBatch(key, place, batchOf([]));
  const changed = sealed.slice();
  changed[50] = (changed[50] ?? 0) ^ 1;
  for (
    const [k, where, bytes] of [
      [key, { ...place, position: 4 }, sealed],
      [key, { ...place, revision: 3 }, sealed],
      [key, { ...place, account: crypto.randomUUID() }, sealed],
      [new Uint8Array(32), place, sealed],
      [key, place, changed],
      [key, place, sealed.subarray(0, 20)],
    ] as const
  ) {
    assert.throws(() => openBatch(k, where, bytes), { code: "tampered" });
  }
});

Deno.test("entries of a kind that is not known stay in the batch as they are", () => {
  const strange = { kind: "poem", lines: ["a", "b"] };
  const batch = { ...batchOf([]), entries: [{ kind: "unknown", fields: strange } as const] };
  const opened = openBatch(key, place, sealBatch(key, place, batch));
  assert.deepEqual(recordsOf(opened), [undefined]);
  const again = openBatch(key, place, sealBatch(key, place, without(opened, () => true)));
  assert.deepEqual(again.entries, [{ kind: "unknown", fields: strange }]);
});

Deno.test("the archive's vectors hold, and the document prints them", async () => {
  const stored = JSON.parse(
    await Deno.readTextFile(new URL("../../vectors/archive.json", import.meta.url)),
  );
  assert.deepEqual(stored, archiveVectors);
  const { archiveKey, batchKey, account, batches } = archiveVectors;
  assert.equal(toHex(archiveBatchKey(fromHex(archiveKey))), batchKey);
  for (const { position, revision, sealed, plaintext, hash } of batches) {
    const opened = openBatch(fromHex(batchKey), { account, position, revision }, fromHex(sealed));
    assert.deepEqual({ v: 1, ...opened }, JSON.parse(plaintext));
    assert.equal(batchHash(fromHex(sealed)), hash);
  }
  const document = await Deno.readTextFile(new URL("../../../docs/PROTOCOL.md", import.meta.url));
  const last = batches.at(-1);
  for (const value of [batchKey, last?.bound, last?.hash]) {
    assert.ok(document.includes(value ?? "no vector"), value);
  }
});

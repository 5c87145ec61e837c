/**
 * Makes `archive.json`, an archive of two batches from fixed keys and nonces, so that the file is always the same.
 * `deno run --allow-write=tests/vectors tests/vectors/make_archive.ts` writes it anew after a deliberate change.
 */
import { createCipheriv } from "node:crypto";
import {
  type ArchiveBatch,
  batchBinding,
  batchHash,
  type BatchPlace,
  encodeBatch,
} from "../../client/engine/archive/codec.ts";
import { concat, fromUtf8, toHex } from "../../lib/base/bytes.ts";
import { archiveBatchKey } from "../../lib/crypto/archive_key.ts";

const ascending = (first: number, length: number) =>
  new Uint8Array(length).map((_, at) => first + at);

const archiveKey = ascending(0x20, 32);
const key = archiveBatchKey(archiveKey);
const account = "01890a5d-ac96-774b-bcce-b302099a8057";
const conversation = "01890a5d-ac96-7000-8000-000000000001";

const message = (number: number, text: string) => ({
  kind: "message",
  conversation: 0,
  id: `01890a5d-ac96-7000-8000-00000000001${number}`,
  seq: number,
  ts: 1763683200000 + number,
  sentAt: 1763683200000,
  own: number % 2 === 0,
  asOf: number,
  content: { from: number % 2 === 0 ? "Zoë" : "sam", text },
} as const);

const tables = {
  conversations: [{ id: conversation, kind: "direct", name: "sam" }],
  certificates: [],
} as const;

function sealed(place: Omit<BatchPlace, "account">, batch: ArchiveBatch) {
  const where = { account, ...place };
  const nonce = ascending(16 * place.position + place.revision, 12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(batchBinding(where));
  const plaintext = encodeBatch(batch);
  const bytes = concat(nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
  return {
    ...place,
    bound: toHex(batchBinding(where)),
    plaintext: fromUtf8(plaintext).trimEnd(),
    sealed: toHex(bytes),
    hash: batchHash(bytes),
  };
}

const first = sealed({ position: 1, revision: 1 }, {
  trail: [],
  replaced: [],
  total: 1,
  ...tables,
  entries: [message(1, "Guten Tag, Zoë")],
});

const second = sealed({ position: 1, revision: 2 }, {
  trail: [first.hash],
  replaced: [],
  total: 2,
  ...tables,
  entries: [message(1, "Guten Tag, Zoë"), message(2, "👍")],
});

const last = sealed({ position: 2, revision: 1 }, {
  previous: { revision: 2, hash: second.hash },
  trail: [],
  replaced: [],
  total: 2,
  ...tables,
  entries: [{
    kind: "contact",
    account: "01890a5d-ac96-7000-8000-000000000003",
    name: "sam",
    accountKey: "KazboUG8yvCyLhqU000LxzYeUm0L_hLIl5S8kyKWbdc",
    verified: true,
  }, { kind: "setting", conversation: 0, kept: true }],
});

/** An archive with fixed nonces. */
export const archiveVectors = {
  archiveKey: toHex(archiveKey),
  batchKey: toHex(key),
  account,
  batches: [first, second, last],
};

if (import.meta.main) {
  const text = JSON.stringify(archiveVectors, null, 2) + "\n";
  await Deno.writeTextFile(new URL("archive.json", import.meta.url), text);
}

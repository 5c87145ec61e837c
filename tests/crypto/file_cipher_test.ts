import assert from "node:assert/strict";
import fc from "fast-check";
import { createCipheriv } from "node:crypto";
import { concat, fromHex, toHex, u32be, utf8 } from "../../lib/base/bytes.ts";
import { uuidBytes } from "../../lib/base/ids.ts";
import {
  chunkPlace,
  chunksOf,
  encryptedSize,
  FileCipher,
  newFileKey,
} from "../../lib/crypto/file_cipher.ts";
import vectors from "../vectors/files.json" with { type: "json" };
import { fileVectors } from "../vectors/make_files.ts";

const file = "01890a5d-ac96-774b-bcce-b302099a8057";

Deno.test("the vectors of files are what the code makes today", async () => {
  assert.deepEqual(vectors, JSON.parse(JSON.stringify(await fileVectors())));
});

Deno.test("the vectors of files are what the document says, made by hand from AES-256-GCM", () => {
  for (const { key, file, chunk, plaintext, ciphertext } of vectors.files) {
    const bytes = fromHex(plaintext);
    const full = chunk - 16;
    const parts: Uint8Array[] = [];
    for (let at = 0, index = 0; at < Math.max(1, bytes.length); at += full, index++) {
      const last = at + full >= bytes.length;
      const nonce = concat(new Uint8Array(7), u32be(index), Uint8Array.of(last ? 1 : 0));
      const cipher = createCipheriv("aes-256-gcm", fromHex(key), nonce);
      cipher.setAAD(concat(utf8("sealpost/1 file\0"), uuidBytes(file)));
      parts.push(cipher.update(bytes.subarray(at, at + full)), cipher.final(), cipher.getAuthTag());
    }
    assert.equal(toHex(concat(...parts)), ciphertext);
  }
});

Deno.test("the encrypted file that the document prints is the vector's", async () => {
  const document = await Deno.readTextFile(new URL("../../docs/PROTOCOL.md", import.meta.url));
  const { ciphertext } = vectors.files.at(-1) ?? { ciphertext: "none" };
  assert.ok(document.replace(/\n {12}/g, "").includes(ciphertext));
});

Deno.test("sizes: every chunk is full but the last, which is empty only in an empty file", () => {
  fc.assert(fc.property(fc.nat(5000), fc.integer({ min: 17, max: 100 }), (size, chunkBytes) => {
    const chunks = chunksOf(size, chunkBytes);
    const places = Array.from({ length: chunks }, (_, at) => chunkPlace(at, { size, chunkBytes }));
    assert.equal(places.reduce((sum, { length }) => sum + length, 0), size);
    assert.ok(places.slice(0, -1).every(({ length, last }) => length === chunkBytes - 16 && !last));
    assert.equal(places.at(-1)?.last, true);
    if (size > 0) assert.ok((places.at(-1)?.length ?? 0) > 0);
    assert.equal(encryptedSize(size, chunkBytes), size + 16 * chunks);
  }));
});

Deno.test("a chunk opens only at its own place, in its own file, under its own key, unchanged", async () => {
  const key = newFileKey();
  const cipher = await FileCipher.make(key, file);
  const plaintext = crypto.getRandomValues(new Uint8Array(100));
  const sealed = await cipher.encrypt(plaintext, { index: 3, last: false });
  assert.deepEqual(await cipher.decrypt(sealed, { index: 3, last: false }), plaintext);
  const tampered = { code: "tampered" };
  await assert.rejects(cipher.decrypt(sealed, { index: 4, last: false }), tampered);
  await assert.rejects(cipher.decrypt(sealed, { index: 3, last: true }), tampered);
  const other = await FileCipher.make(key, file.replace("7", "8"));
  await assert.rejects(other.decrypt(sealed, { index: 3, last: false }), tampered);
  const wrong = await FileCipher.make(newFileKey(), file);
  await assert.rejects(wrong.decrypt(sealed, { index: 3, last: false }), tampered);
  for (const at of [0, 50, sealed.length - 1]) {
    const flipped = sealed.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    await assert.rejects(cipher.decrypt(flipped, { index: 3, last: false }), tampered);
  }
  await assert.rejects(cipher.decrypt(sealed.slice(0, 8), { index: 3, last: false }), tampered);
});

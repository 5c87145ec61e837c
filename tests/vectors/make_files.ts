/**
 * Makes `files.json`, the vectors of encrypted files, from fixed keys. `deno run --allow-write=tests/vectors
 * tests/vectors/make_files.ts` writes it anew after a deliberate change of the protocol.
 */
import { concat, toHex } from "../../lib/base/bytes.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import { chunkPlace, chunksOf, FileCipher } from "../../lib/crypto/file_cipher.ts";

const key = new Uint8Array(32).map((_, at) => at);
const file = "01890a5d-ac96-774b-bcce-b302099a8057";

/** Small chunks, so that the vectors can be read; real files have chunks of 256 KiB. */
async function vector(name: string, size: number, chunk: number) {
  const plaintext = new Uint8Array(size).map((_, at) => at % 251);
  const cipher = await FileCipher.make(key, file);
  const parts: Uint8Array[] = [];
  for (let index = 0; index < chunksOf(size, chunk); index++) {
    const { offset, length, last } = chunkPlace(index, { size, chunkBytes: chunk });
    parts.push(await cipher.encrypt(plaintext.slice(offset, offset + length), { index, last }));
  }
  const ciphertext = concat(...parts);
  return {
    name,
    key: toHex(key),
    file,
    chunk,
    plaintext: toHex(plaintext),
    plaintextHash: toHex(sha256(plaintext)),
    ciphertext: toHex(ciphertext),
    ciphertextHash: toHex(sha256(ciphertext)),
  };
}

/** The vectors. */
export async function fileVectors() {
  return {
    files: [
      await vector("an empty file: one empty chunk", 0, 32),
      await vector("less than a chunk", 5, 32),
      await vector("exactly two chunks: the second is the last", 32, 32),
      await vector("three chunks", 37, 32),
    ],
  };
}

if (import.meta.main) {
  const text = `${JSON.stringify(await fileVectors(), undefined, 2)}\n`;
  await Deno.writeTextFile(new URL("./files.json", import.meta.url), text);
}

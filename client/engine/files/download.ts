/** One file on its way from the server: fetched in ranges, decrypted, checked, saved. */
import { equalBytes, fromBase64url, giveBack } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { fileLimits } from "../../../lib/base/limits.ts";
import {
  type ChunkPlace,
  chunkPlace,
  chunksOf,
  encryptedSize,
  FileCipher,
  fileTagBytes,
} from "../../../lib/crypto/file_cipher.ts";
import { Sha256 } from "../../../lib/crypto/hash.ts";
import type { AttachedFile } from "../../store/messages.ts";
import type { TransferOptions } from "../api_files.ts";
import type { Core } from "../core.ts";
import type { Part } from "./saving.ts";
import { homeOf } from "./home.ts";
import { shownPath } from "./source.ts";
import { type AllowList, refuseContent, sniffBytes } from "./types.ts";
import { Window } from "./window.ts";

/** What a download works with. */
export interface DownloadParts {
  readonly core: Core;
  readonly file: AttachedFile;
  /** Whose it is, as shown here: it is on that account's own server. */
  readonly from: string;
  readonly part: Part;
  readonly allowed: AllowList;
  readonly options: TransferOptions;
}

/** One chunk as it came. */
interface Chunk {
  readonly place: ChunkPlace;
  readonly ciphertext: Uint8Array;
  readonly plaintext: Uint8Array<ArrayBuffer>;
}

/** Fetches what the part does not have yet, and checks all of it. */
export class DownloadPass {
  readonly #parts: DownloadParts;
  readonly #chunks: number;
  readonly #full: number;
  readonly #hashes = { plain: new Sha256(), cipher: new Sha256() };
  #cipher: FileCipher | undefined;
  /** Chunks that are in the part, the last of them perhaps still being written, and counted in the hashes. */
  #here = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: DownloadParts) {
    this.#parts = parts;
    const { size, chunk } = parts.file;
    this.#chunks = chunksOf(size, chunk);
    this.#full = chunk - fileTagBytes;
  }

  /** How far it has got: more means that something has moved. */
  get taken(): number {
    return this.#here;
  }

  /**
   * One try, from where the last one or an earlier process ended. Rejects with `AppError("tampered")` when the file is not
   * the one that was announced, and with `ExitError` (notAllowed) when it is not what its name says; nothing of it is left
   * then.
   */
  async run(): Promise<void> {
    const { file, part } = this.#parts;
    this.#cipher ??= await FileCipher.make(fromBase64url(file.key), file.file);
    try {
      if (this.#here === 0) await this.#takeUp(this.#cipher);
      await this.#fetch(this.#cipher);
      await this.#writing;
      if (await part.length() !== file.size) throw tampered();
      this.#check();
    } catch (thrown) {
      await this.#writing.catch(() => undefined);
      const rejected = thrown instanceof ExitError ||
        thrown instanceof AppError && thrown.code === "tampered";
      // Stopped by a person: what is here can be gone on with.
      if (rejected && !this.#parts.options.signal?.aborted) await part.remove();
      throw thrown;
    }
  }

  /** What an earlier process has saved is encrypted again, since the hashes are over all of it. */
  async #takeUp(cipher: FileCipher): Promise<void> {
    const { file, part } = this.#parts;
    // The last chunk is always fetched: it carries the proof that it is the last.
    const whole = Math.min(Math.floor(await part.length() / this.#full), this.#chunks - 1);
    for (; this.#here < whole; this.#here++) {
      this.#parts.options.signal?.throwIfAborted();
      const place = chunkPlace(this.#here, { size: file.size, chunkBytes: file.chunk });
      const bytes = await part.read(place.offset, place.length);
      this.#hashes.plain.update(bytes);
      this.#hashes.cipher.update(await cipher.encrypt(bytes, place));
    }
    await part.cut(this.#here * this.#full);
    this.#progress();
  }

  async #fetch(cipher: FileCipher): Promise<void> {
    const { chunk } = this.#parts.file;
    const window = new Window<Chunk>(this.#parts.core.clock);
    let asked = this.#here;
    while (this.#here < this.#chunks) {
      this.#parts.options.signal?.throwIfAborted();
      for (; asked < this.#chunks && window.fits(chunk); asked++) {
        window.add(chunk, this.#ask(asked, cipher));
      }
      const next = await window.next();
      if (next === undefined) throw new AppError("internal", { fault: "us" });
      await this.#take(next);
    }
  }

  /** Several are decrypted side by side while those before them are written. */
  async #ask(index: number, cipher: FileCipher): Promise<Chunk> {
    const { core, file: { file, size, chunk }, from, options: { signal } } = this.#parts;
    const place = chunkPlace(index, { size, chunkBytes: chunk });
    const length = place.length + fileTagBytes;
    const { message, body } = await core.server.request(
      { type: "file.get", file, offset: index * chunk, length, ...homeOf(from) },
      undefined,
      { timeoutMs: fileLimits.pieceMs, ...(signal === undefined ? {} : { signal }) },
    );
    const fits = message.size === encryptedSize(size, chunk) && body.length === length;
    if (!fits || !(body.buffer instanceof ArrayBuffer)) throw tampered();
    const ciphertext = new Uint8Array(body.buffer, body.byteOffset, body.length);
    return { place, ciphertext, plaintext: await cipher.decrypt(ciphertext, place) };
  }

  async #take({ place, ciphertext, plaintext }: Chunk): Promise<void> {
    if (place.index === 0) this.#sniff(plaintext);
    this.#hashes.plain.update(plaintext);
    this.#hashes.cipher.update(ciphertext);
    await this.#writing;
    this.#writing = this.#parts.part.write(place.offset, plaintext).then(() => giveBack(plaintext));
    // Awaited before the next one; here only so that nothing is reported as unhandled before.
    this.#writing.catch(() => undefined);
    this.#here++;
    this.#progress();
  }

  #sniff(plaintext: Uint8Array): void {
    const { file: { name }, allowed } = this.#parts;
    const refused = refuseContent(name, plaintext.subarray(0, sniffBytes), allowed);
    if (refused === undefined) return;
    throw new ExitError("notAllowed", `${shownPath(name)} ${refused}; nothing was saved.`);
  }

  #check(): void {
    const { hash, ciphertextHash } = this.#parts.file;
    const { plain, cipher } = this.#hashes;
    const same = equalBytes(plain.digest(), fromBase64url(hash)) &&
      equalBytes(cipher.digest(), fromBase64url(ciphertextHash));
    if (!same) throw tampered();
  }

  #progress(): void {
    const { file: { size: total }, options } = this.#parts;
    options.onProgress?.({ done: Math.min(total, this.#here * this.#full), total });
  }
}

function tampered(): AppError {
  return new AppError("tampered", {
    text: "what came, or lay here of it, is not the file that was sent; nothing was saved",
  });
}

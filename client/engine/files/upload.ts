/** One file on its way to the server: read, noted, encrypted, sent, finished. */
import { concat, fromBase64url, giveBack } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { fileLimits } from "../../../lib/base/limits.ts";
import {
  chunkPlace,
  chunksOf,
  encryptedSize,
  FileCipher,
} from "../../../lib/crypto/file_cipher.ts";
import { Sha256, sha256 } from "../../../lib/crypto/hash.ts";
import type { Transfers, Upload } from "../../store/transfers.ts";
import { type FileBody, fileBytesText } from "../content/file.ts";
import type { TransferOptions } from "../api_files.ts";
import type { Core } from "../core.ts";
import { isPassing } from "./retry.ts";
import type { Source } from "./source.ts";
import { extensionOf } from "./names.ts";
import { Window } from "./window.ts";

const chunkBytes = fileLimits.chunkBytes;

/** What an upload works with. */
export interface UploadParts {
  readonly core: Core;
  readonly transfers: Transfers;
  readonly source: Source;
  readonly upload: Upload;
  /** The server's id of the conversation. */
  readonly conversation: string;
  readonly options: TransferOptions;
}

/** One encrypted chunk and where it lies in the ciphertext. */
interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Reads the whole file once and sends what the server does not have yet. Rejects with `ChangedError` when the file is not
 * what was encrypted before, and passes on what the server says.
 */
export class UploadPass {
  readonly #parts: UploadParts;
  readonly #size: number;
  /** Bytes that the server has taken. */
  #taken = 0;

  constructor(parts: UploadParts) {
    this.#parts = parts;
    this.#size = encryptedSize(parts.upload.size, chunkBytes);
  }

  /** How far it has got: more means that something has moved. */
  get taken(): number {
    return this.#taken;
  }

  /** One try, from the beginning of the file. Resolves to what is to be announced. */
  async run(): Promise<FileBody> {
    const { core, upload, conversation, options } = this.#parts;
    const { message: begun } = await core.server.request(
      { type: "file.begin", conversation, file: upload.file, size: this.#size },
      undefined,
      this.#request,
    );
    this.#note(begun.offset);
    const hashes = await this.#passOver(begun.complete ? this.#size : begun.offset);
    await this.#parts.source.checkUnchanged();
    options.signal?.throwIfAborted();
    if (!begun.complete) await this.#finish();
    return this.#body(hashes);
  }

  get #request(): { readonly timeoutMs: number; readonly signal?: AbortSignal } {
    const { signal } = this.#parts.options;
    return { timeoutMs: fileLimits.pieceMs, ...(signal === undefined ? {} : { signal }) };
  }

  /** Encrypts everything, since the hashes are over all of it, and sends what lies behind `from`. */
  async #passOver(from: number): Promise<{ plain: Sha256; cipher: Sha256 }> {
    const hashes = { plain: new Sha256(), cipher: new Sha256() };
    const window = new Window<number>(this.#parts.core.clock);
    for await (const pieces of this.#groups(hashes.plain)) {
      for (const piece of pieces) {
        hashes.cipher.update(piece.bytes);
        if (piece.offset + piece.bytes.length > from) await this.#send(window, piece, from);
        else giveBack(piece.bytes);
      }
      this.#parts.options.signal?.throwIfAborted();
    }
    while (window.size > 0) await this.#answered(window);
    return hashes;
  }

  async #send(window: Window<number>, { offset, bytes }: Piece, from: number): Promise<void> {
    const { core, upload: { file } } = this.#parts;
    const start = Math.max(offset, from);
    const rest = bytes.subarray(start - offset);
    while (!window.fits(rest.length)) await this.#answered(window);
    const answer = core.server.request(
      { type: "file.chunk", file, offset: start, body: rest.length },
      rest,
      this.#request,
    );
    const taken = answer.then(({ message }) => {
      // An answer comes after the frame, which holds a copy.
      giveBack(bytes);
      return message.offset;
    });
    window.add(rest.length, taken);
  }

  async #answered(window: Window<number>): Promise<void> {
    try {
      this.#note(await window.next() ?? 0);
    } catch (thrown) {
      throw again(thrown);
    }
  }

  #note(taken: number): void {
    if (taken < this.#taken) return;
    this.#taken = taken;
    const { upload: { size: total }, options } = this.#parts;
    const chunks = Math.ceil(taken / chunkBytes);
    options.onProgress?.({ done: Math.min(total, Math.max(0, taken - 16 * chunks)), total });
  }

  /** Encrypted chunks, a group at a time; the next is made while one is sent. */
  async *#groups(plain: Sha256): AsyncGenerator<readonly Piece[]> {
    const cipher = await FileCipher.make(
      fromBase64url(this.#parts.upload.key),
      this.#parts.upload.file,
    );
    const chunks = chunksOf(this.#parts.upload.size, chunkBytes);
    let next: Promise<Piece[]> | undefined = this.#group(0, { cipher, plain, chunks });
    for (let first = fileLimits.groupChunks; next !== undefined; first += fileLimits.groupChunks) {
      const now: Piece[] = await next;
      next = first < chunks ? this.#group(first, { cipher, plain, chunks }) : undefined;
      // Awaited in the next round; here only so that nothing is reported as unhandled before.
      next?.catch(() => undefined);
      yield now;
    }
  }

  /** Reads, notes, hashes and encrypts the chunks from `first` on. Nothing of it has been sent before it is noted. */
  async #group(
    first: number,
    { cipher, plain, chunks }: { cipher: FileCipher; plain: Sha256; chunks: number },
  ): Promise<Piece[]> {
    const { source, upload } = this.#parts;
    const indexes = Array.from(
      { length: Math.min(fileLimits.groupChunks, chunks - first) },
      (_, at) => first + at,
    );
    const places = indexes.map((index) => chunkPlace(index, { size: upload.size, chunkBytes }));
    const begin = places[0]?.offset ?? 0;
    const last = places.at(-1);
    const length = last === undefined ? 0 : last.offset + last.length - begin;
    const bytes = await source.read(begin, length);
    plain.update(bytes);
    const slices = places.map(({ offset, length }) =>
      bytes.subarray(offset - begin, offset - begin + length)
    );
    this.#noteDigests(first, slices);
    const pieces = await Promise.all(places.map(async (place, at) => ({
      offset: place.index * chunkBytes,
      bytes: await cipher.encrypt(slices[at] ?? new Uint8Array(), place),
    })));
    giveBack(bytes);
    return pieces;
  }

  /** A key encrypts one content: a chunk that is not what it was must never be encrypted. */
  #noteDigests(first: number, slices: readonly Uint8Array[]): void {
    const { core, transfers, source, upload } = this.#parts;
    const digests = concat(...slices.map((slice) => sha256(slice)));
    const same = core.sealed.database.transaction(() =>
      transfers.note(upload.upload, first, digests)
    );
    if (!same) throw source.changed();
  }

  async #finish(): Promise<void> {
    const { core, upload: { file } } = this.#parts;
    try {
      await core.server.request({ type: "file.finish", file }, undefined, this.#request);
    } catch (thrown) {
      throw again(thrown);
    }
  }

  #body({ plain, cipher }: { plain: Sha256; cipher: Sha256 }): FileBody {
    const { source, upload: { file, key, size } } = this.#parts;
    return {
      file,
      name: source.name,
      type: extensionOf(source.name).slice(0, fileLimits.typeChars),
      size,
      key,
      hash: fileBytesText(plain.digest()),
      ciphertextHash: fileBytesText(cipher.digest()),
      chunk: chunkBytes,
    };
  }
}

/** The server has lost sight of an upload under way, or stands elsewhere: it is to be begun again. */
function again(thrown: unknown): unknown {
  if (isPassing(thrown) || !(thrown instanceof AppError)) return thrown;
  if (thrown.code !== "not_found" && thrown.code !== "wrong_offset") return thrown;
  return new AppError("timeout", { text: thrown.message, fault: "environment", cause: thrown });
}

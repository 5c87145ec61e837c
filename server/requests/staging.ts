/** Pieces of commits that one frame cannot hold, until the request comes that they belong to. */
import type { Clock } from "../../lib/base/clock.ts";
import { concat } from "../../lib/base/bytes.ts";
import { mlsLimits, serverLimits } from "../../lib/base/limits.ts";

/** Half a minute: the request follows at once. */
const keptMs = 30_000;

interface Staged {
  readonly pieces: Uint8Array[];
  length: number;
  readonly at: number;
}

/** How a piece was taken; the refusals are codes of the protocol. */
export type Staging =
  | { readonly ok: true; readonly staged: number }
  | { readonly ok: false; readonly code: "malformed" | "too_large" };

/**
 * The pieces of all sessions of one gateway. Together they are bounded; where they would be more the oldest go, and the
 * request for which they were comes out as malformed.
 */
export class StagedCommits {
  readonly #clock: Clock;
  readonly #most: number;
  /** By device and hash, the oldest first. */
  readonly #staged = new Map<string, Staged>();
  #bytes = 0;

  constructor(clock: Clock, most: number = serverLimits.stagedBytes) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Bytes of all pieces. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes one piece; `offset` is what the device has staged under the hash before, and 0 begins anew. */
  add(whose: Whose, piece: { readonly offset: number; readonly bytes: Uint8Array }): Staging {
    const key = keyOf(whose);
    if (piece.offset === 0) this.#forget(key);
    const staged = this.#staged.get(key) ?? { pieces: [], length: 0, at: this.#clock.monotonic() };
    if (staged.length !== piece.offset) return { ok: false, code: "malformed" };
    const length = staged.length + piece.bytes.length;
    if (length > mlsLimits.commitBytes) return { ok: false, code: "too_large" };
    staged.pieces.push(piece.bytes);
    staged.length = length;
    this.#bytes += piece.bytes.length;
    this.#staged.set(key, staged);
    this.#trim();
    return { ok: true, staged: length };
  }

  /** The body that `rest` ends, and forgets what was staged of it. */
  take(whose: Whose, rest: Uint8Array): Uint8Array {
    const key = keyOf(whose);
    const pieces = this.#staged.get(key)?.pieces;
    this.#forget(key);
    return pieces === undefined ? rest : concat(...pieces, rest);
  }

  #forget(key: string): void {
    this.#bytes -= this.#staged.get(key)?.length ?? 0;
    this.#staged.delete(key);
  }

  /** The oldest stand first; a look at one is enough to know that no other is older. */
  #trim(): void {
    const old = this.#clock.monotonic() - keptMs;
    for (const [key, { at }] of this.#staged) {
      if (at > old && this.#bytes <= this.#most) return;
      this.#forget(key);
    }
  }
}

/** Whose piece it is, and of which commit. */
export interface Whose {
  /** Device key, base64url. */
  readonly device: string;
  readonly hash: string;
}

const keyOf = ({ device, hash }: Whose) => `${device} ${hash}`;

/** Why something from others was not taken. Refusals are values: hostile bytes are an ordinary event, not an exception. */

/** Every reason, once. They are stable names for logs, signed refusals and decisions; `detail` is for people. */
export type RefusalReason =
  /** Not an MLS message in its one encoding, or of a kind that has no business here. */
  | "malformed"
  | "wrong_group"
  /** The epoch has passed and is kept no longer (application), or passed at all (commit). */
  | "stale_epoch"
  /** Of an epoch that this state has not reached: something before it is missing. */
  | "future_epoch"
  /** The sender's key of this generation was used before: the same message again, or one encrypted twice. */
  | "duplicate"
  /** This device's own application message; the library cannot decrypt what it sent. */
  | "own_message"
  /** A commit by this device, or by another holder of its key; the caller matches its own by hash before. */
  | "own_commit"
  | "undecryptable"
  | "pathless_remove"
  /** A member's or newcomer's certificate does not hold, does not fit its leaf, or was not accepted. */
  | "bad_member"
  /** Valid MLS that this product does not use: proposals outside commits, encrypted handshakes, extensions, PSKs. */
  | "not_allowed"
  /** Fails a check of RFC 9420: signature, tag, tree. */
  | "invalid"
  /** The key package is of another suite, expired or living too long. */
  | "bad_key_package"
  | "no_key_package"
  /** This device is no longer in the group. */
  | "removed";

/** A refusal; nothing has changed. */
export interface Refused {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  /** For the log; may quote the library, never any content. */
  readonly detail: string;
}

/** Makes a refusal. */
export function refuse(reason: RefusalReason, detail: string): Refused {
  return { kind: "refused", reason, detail };
}

/** A refusal on its way up through the library, which only knows exceptions. Never leaves this room. */
export class RefusalError extends Error {
  override readonly name = "RefusalError";
  readonly refused: Refused;

  constructor(reason: RefusalReason, detail: string) {
    super(detail);
    this.refused = refuse(reason, detail);
  }
}

/**
 * Runs `work` on bytes from others. What the library throws at hostile input (its own errors, but also TypeErrors and
 * RangeErrors from deep inside) becomes a refusal with `reason`.
 */
export async function guarded<T>(
  reason: RefusalReason,
  work: () => Promise<T>,
): Promise<T | Refused> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof RefusalError) return thrown.refused;
    return refuse(reason, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

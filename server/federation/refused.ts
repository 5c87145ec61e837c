/** What linked servers refuse. */
import { AppError, type ErrorCode, isErrorCode } from "../../lib/base/errors.ts";
import type { Message } from "../../lib/wire/messages.ts";

/** Codes that say something about what was asked. */
const meaning: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "malformed",
  "tampered",
  "too_large",
  "rate_limited",
  "storage_full",
  "internal",
  "not_permitted_now",
  "no_such_user",
  "no_such_conversation",
  "not_a_member",
  "conversation_exists",
  "epoch_conflict",
  "epoch_too_old",
  "roster_mismatch",
  "commit_refused",
  "removals_pending",
  "not_allowed",
  "last_owner",
  "group_full",
  "too_many_groups",
  "not_accepted",
  "consent_pending",
  "no_key_package",
  "quota_exceeded",
  "not_found",
  "invalid_name",
]);

/** Codes by which the other server does not accept its asker, or whom it names: it doubts them, or has shut their server out. */
const doubts: ReadonlySet<string> = new Set<ErrorCode>([
  "invalid_certificate",
  "unknown_device",
  "device_revoked",
  "account_disabled",
  "server_blocked",
]);

/**
 * What a linked server's code means here. Whether a session here is in order this server alone says, so that codes about
 * that go no further; whatever else is unknown here comes to the same as a server that does not answer.
 */
function codeOf(code: string): ErrorCode {
  if (isErrorCode(code) && meaning.has(code)) return code;
  return doubts.has(code) ? "not_accepted" : "server_away";
}

/** A refusal by a linked server, with its facts. */
export class RefusedByPeer extends AppError {
  /** The conversation's current epoch, with `epoch_conflict` and `epoch_too_old`. */
  readonly epoch: number | undefined;

  constructor(refusal: Pick<Message<"peer.refusal">, "code" | "retryAfterMs" | "epoch">) {
    const { code, retryAfterMs, epoch } = refusal;
    super(codeOf(code), retryAfterMs === undefined ? {} : { retryAfterMs });
    this.epoch = epoch;
  }
}

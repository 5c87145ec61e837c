/** From what went wrong to an exit code and one line for people. */
import { AppError, type ErrorCode } from "../../lib/base/errors.ts";
import { exitCodes, ExitError, type ExitReason } from "../../lib/base/exit_codes.ts";

/** How a command ended badly. */
export interface Failure {
  readonly exit: number;
  readonly code: string;
  readonly message: string;
  /** When asking again makes sense, in ms. */
  readonly retryAfterMs?: number;
}

/** Codes that mean something else than plain failure. */
const reasons: Partial<Record<ErrorCode, ExitReason>> = {
  invalid_name: "usage",
  // Of what this side was given to send; a server's answer that is so says more.
  malformed: "usage",
  timeout: "network",
  server_closing: "network",
  too_many_connections: "network",
  slow_reader: "network",
  invalid_credentials: "notAllowed",
  too_many_attempts: "notAllowed",
  already_logged_in: "notAllowed",
  unknown_device: "notAllowed",
  device_revoked: "notAllowed",
  too_many_devices: "notAllowed",
  registration_closed: "notAllowed",
  invite_required: "notAllowed",
  invite_invalid: "notAllowed",
  account_disabled: "notAllowed",
  account_deleted: "notAllowed",
  name_taken: "notAllowed",
  blocked: "notAllowed",
  not_permitted_now: "notAllowed",
  quota_exceeded: "notAllowed",
  rate_limited: "notAllowed",
  too_large: "notAllowed",
  not_allowed: "notAllowed",
  last_owner: "notAllowed",
  group_full: "notAllowed",
  too_many_groups: "notAllowed",
  not_accepted: "notAllowed",
  consent_pending: "notAllowed",
  tampered: "trust",
  invalid_certificate: "trust",
  no_such_user: "notFound",
  no_such_conversation: "notFound",
  not_a_member: "notFound",
  not_found: "notFound",
  no_such_server: "notFound",
  server_blocked: "notAllowed",
  server_away: "network",
  hub_away: "network",
  unsupported_version: "version",
};

/** The failure that `error` means. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ExitError) {
    return { exit: error.exitCode, code: error.reason, message: error.message };
  }
  if (error instanceof AppError) {
    const wait = error.retryAfterMs === undefined
      ? ""
      : `; try again in ${Math.ceil(error.retryAfterMs / 1000)} s`;
    return {
      exit: exitCodes[reasons[error.code] ?? "failed"],
      code: error.code,
      message: error.message + wait,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { exit: exitCodes.failed, code: "failed", message };
}

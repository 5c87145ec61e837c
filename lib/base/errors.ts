/**
 * Errors that cross a room's border. Ordinary refusals travel as values; what is thrown is an `AppError`: it carries a
 * stable code and a text that is safe to show to the other side, and keeps the private cause to itself.
 */

/** When asking again makes sense. */
export type Retry = "never" | "later" | "after_sync";

/** Whose doing an error is; decides the log level and, in the client, the exit code. */
export type Fault = "peer" | "us" | "environment";

interface CodeFacts {
  readonly text: string;
  readonly retry: Retry;
}

const facts = <T extends Record<string, CodeFacts>>(table: T): T => table;

/** Every error code of the protocol, once. Codes never change their meaning; texts may become clearer. */
export const errorCodes = facts({
  // The connection
  malformed: { text: "that frame could not be read", retry: "never" },
  tampered: { text: "a frame failed its signature or counter check", retry: "never" },
  too_large: { text: "that is larger than this server accepts", retry: "never" },
  unsupported_version: { text: "no protocol version in common", retry: "never" },
  unknown_type: { text: "this server does not know that message type", retry: "never" },
  not_permitted_now: { text: "not possible in this state of the session", retry: "never" },
  timeout: { text: "the other side took too long", retry: "later" },
  slow_reader: { text: "disconnected: too much was waiting to be read", retry: "later" },
  rate_limited: { text: "too many requests, slow down", retry: "later" },
  too_many_connections: { text: "too many connections", retry: "later" },
  server_closing: { text: "the server is shutting down", retry: "later" },
  internal: { text: "the server failed to do that; its log has the connection id", retry: "later" },
  storage_full: { text: "the server cannot store anything just now", retry: "later" },
  // Accounts and devices
  invalid_name: {
    text: "names have 3 to 32 characters: a-z 0-9 . _ -, beginning with a letter or digit",
    retry: "never",
  },
  name_taken: { text: "that name is already taken", retry: "never" },
  invalid_credentials: { text: "incorrect password", retry: "never" },
  too_many_attempts: { text: "too many failed attempts", retry: "later" },
  already_logged_in: { text: "this device is already logged in elsewhere", retry: "later" },
  unknown_device: { text: "this device is not known here, or was removed", retry: "never" },
  device_revoked: { text: "this device was removed from its account", retry: "never" },
  too_many_devices: { text: "the account has as many devices as it may", retry: "never" },
  invalid_certificate: { text: "that certificate does not hold", retry: "never" },
  invite_required: {
    text: "this server takes new accounts by invitation: ask its operator for a link",
    retry: "never",
  },
  invite_invalid: {
    text: "that invitation was used up, has expired or was withdrawn: ask for a new one",
    retry: "never",
  },
  registration_closed: { text: "this server does not accept new accounts", retry: "never" },
  account_deleted: { text: "this account was deleted by the server's operator", retry: "never" },
  account_disabled: { text: "this account is disabled", retry: "never" },
  // Conversations and messages
  no_such_user: { text: "no such user", retry: "never" },
  no_such_conversation: { text: "no such conversation, or you are not in it", retry: "never" },
  not_a_member: { text: "you are not in that conversation", retry: "never" },
  conversation_exists: { text: "that conversation exists already", retry: "after_sync" },
  epoch_conflict: { text: "somebody else changed the conversation first", retry: "after_sync" },
  epoch_too_old: { text: "the conversation has moved on", retry: "after_sync" },
  roster_mismatch: { text: "the declared members do not fit the change", retry: "after_sync" },
  commit_refused: {
    text: "members could not apply that change, and it was taken back",
    retry: "after_sync",
  },
  removals_pending: {
    text: "removals are waiting and must be part of the change",
    retry: "after_sync",
  },
  not_allowed: { text: "your role in this group does not allow that", retry: "after_sync" },
  last_owner: {
    text: "a group needs an owner: make somebody else one before you leave",
    retry: "never",
  },
  group_full: { text: "a group has room for 200 devices, and this one is full", retry: "never" },
  too_many_groups: { text: "this account has created as many groups as it may", retry: "never" },
  not_accepted: { text: "they do not accept that", retry: "never" },
  consent_pending: {
    text: "they have not accepted your request yet; until they do, nothing more can be sent",
    retry: "later",
  },
  no_key_package: { text: "that device has no keys left for new conversations", retry: "later" },
  quota_exceeded: { text: "the storage quota is used up", retry: "later" },
  archive_conflict: {
    text: "another device wrote to the archive first",
    retry: "after_sync",
  },
  blocked: { text: "that is not accepted", retry: "never" },
  not_found: { text: "nothing there", retry: "never" },
  // Files
  wrong_offset: { text: "the upload stands at another place", retry: "after_sync" },
  // Linked servers
  peer_unknown: { text: "this server is not linked with that one", retry: "later" },
  peer_paused: { text: "the link with that server is paused", retry: "later" },
  peer_blocked: { text: "the operator of that server has blocked this one", retry: "later" },
  peer_duplicate: { text: "there is a link with that server already", retry: "later" },
  no_such_server: { text: "no server of that name is linked with yours", retry: "never" },
  hub_away: {
    text: "the server of this conversation cannot be reached just now",
    retry: "later",
  },
  server_blocked: {
    text: "the operator of this server has blocked that server",
    retry: "never",
  },
  server_away: { text: "that server cannot be reached just now", retry: "later" },
  peer_self: { text: "a server cannot be linked with itself", retry: "never" },
});

/** A stable error code of the protocol. */
export type ErrorCode = keyof typeof errorCodes;

/** Whether `code` is one of the codes above. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** What an `AppError` is made of beside its code. */
export interface AppErrorOptions {
  /** Replaces the code's own text; must be safe to show to the other side. */
  readonly text?: string;
  readonly fault?: Fault;
  /** Milliseconds after which asking again makes sense. */
  readonly retryAfterMs?: number;
  /** Private: goes to the log, never to the peer. */
  readonly cause?: unknown;
}

/** A failure with a code for programs and a text for people; `cause` is private. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly fault: Fault;
  readonly retry: Retry;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(
      options.text ?? errorCodes[code].text,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.code = code;
    this.fault = options.fault ?? "peer";
    this.retry = errorCodes[code].retry;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Any thrown value as an `AppError`; what is not one becomes `internal` with the value as its private cause. */
export function asAppError(thrown: unknown): AppError {
  return thrown instanceof AppError
    ? thrown
    : new AppError("internal", { fault: "us", cause: thrown });
}

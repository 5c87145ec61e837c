/** What the operator may ask of the storage side. */
import type { Outcome } from "./contract_base.ts";

/** An account as the operator sees it. Times in milliseconds since 1970, sizes in bytes. */
export interface AccountRow {
  readonly name: string;
  readonly account: string;
  readonly createdAt: number;
  readonly lastSeen: number | null;
  readonly online: boolean;
  readonly disabled: boolean;
  /** When it was deleted for good; its name stays taken. */
  readonly deletedAt: number | null;
  /** Devices that were not removed. */
  readonly devices: number;
  /** What waits for it. */
  readonly queuedBytes: number;
}

/** An invitation to make an account. Its token is known to nobody but those who were given it. */
export interface InviteRow {
  /** The beginning of the token's hash in hexadecimal digits, by which the operator names it. */
  readonly id: string;
  readonly note: string;
  /** Accounts that may still be made with it. */
  readonly left: number;
  readonly createdAt: number;
  readonly expiresAt: number;
}

type Empty = Record<never, never>;

/** The operator's operations. */
export interface AdminOperations {
  "admin.users": {
    /** In order of canonical names, after `after`. */
    in: { after: string | undefined; limit: number };
    out: { users: AccountRow[]; more: boolean };
  };
  /** A disabled account's sessions end, and it can neither log in nor be written to; it keeps what it has. */
  "admin.disable": { in: { name: string; disabled: boolean }; out: Outcome<Empty> };
  /**
   * Deletes an account for good: sessions, keys on offer, archive, files, what waits for it. It is out of all groups; its
   * entry in the directory's log stays, with another that says it is gone. The numbers tell what there was.
   */
  "admin.delete": {
    in: { name: string };
    out: Outcome<{ name: string; account: string; groups: number; direct: number; files: number }>;
  };
  /** `hash`: base64url of the token's SHA-256. */
  "invite.add": {
    in: { hash: string; note: string; uses: number; expiresAt: number };
    out: InviteRow;
  };
  "invite.list": { in: Empty; out: { invites: InviteRow[] } };
  "invite.remove": { in: { id: string }; out: Outcome<Empty> };
}

/** The part of the storage port that keeps the rows of files. Their bytes are elsewhere. */

/** A file. Sizes are those of its ciphertext. */
export interface StoredFile {
  readonly key: number;
  /** Its id (UUID), made by the sender. */
  readonly file: string;
  /** Storage keys of its conversation and of the account that uploads it. */
  readonly conversation: number;
  readonly account: number;
  readonly size: number;
  /** Bytes that are on disk for good. */
  readonly synced: number;
  readonly touchedAt: number;
  /** When it is deleted; null until it is finished. */
  readonly expiresAt: number | null;
}

/** A new upload. */
export type NewFile = Omit<StoredFile, "key" | "synced" | "expiresAt">;

/** What an account has on the server. */
export interface FileUse {
  readonly files: number;
  readonly bytes: number;
}

/** Files. */
export interface Files {
  byId(file: string): StoredFile | undefined;
  add(file: NewFile): void;
  /** Notes that bytes up to `synced` are on disk for good. */
  progress(key: number, progress: { readonly synced: number; readonly at: number }): void;
  /** It is complete: `receivers` (storage keys of accounts) may fetch it until `expiresAt`. */
  finish(
    key: number,
    finished: { readonly expiresAt: number; readonly receivers: readonly number[] },
  ): void;
  /** Whether the account was listed when the file was finished. */
  isReceiver(key: number, account: number): boolean;
  /** The account has it; whether others still wait. */
  done(key: number, account: number): { readonly waiting: boolean };
  remove(key: number): void;
  /** Files and bytes of one account, finished or not. */
  use(account: number): FileUse;
  /** How many there are, finished or not. */
  count(): number;
  /** Bytes of all accounts. */
  total(): number;
  /** Uploads of an account that are not finished, the one that moved longest ago first. */
  begun(account: number): StoredFile[];
  /** All that an account has uploaded, finished or not. */
  ofAccount(account: number): StoredFile[];
  /** Those of others that it may fetch and does not have. */
  waitingFor(account: number): StoredFile[];
  /** Finished ones that expire up to `now`, and unfinished ones that have not moved since `idleBefore`. */
  past(
    limits: { readonly now: number; readonly idleBefore: number; readonly limit: number },
  ): StoredFile[];
}

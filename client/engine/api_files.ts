/** Files, as the user interface and the one-shot commands see them. */
import type { Target } from "./api_target.ts";

/** What the server takes of files. */
export interface FileRules {
  /** Bytes of the largest file. */
  readonly maxBytes: number;
  /** Bytes that this account may have at the server, and has. */
  readonly quota: number;
  readonly used: number;
  /** Milliseconds until a file expires there. */
  readonly keepMs: number;
  /** Extensions that the operator allows; empty: all. */
  readonly types: readonly string[];
}

/** Where a file that was offered stands here. */
export type FileState =
  | { readonly kind: "offered" }
  /** A part of it is here already. */
  | { readonly kind: "partial" }
  | { readonly kind: "saved"; readonly path: string }
  | { readonly kind: "declined" };

/** A file that somebody sent. */
export interface FileInfo {
  /** Its place among the files of the profile, from 1; it goes down only when messages before it disappear. */
  readonly number: number;
  /** The id of the message that announces it (UUID). */
  readonly id: string;
  /** As its sender calls it: not sanitised. */
  readonly name: string;
  /** Extension without a dot; may be empty. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  readonly from: string;
  readonly own: boolean;
  readonly conversation: string;
  /** When it was announced (ms since 1970). */
  readonly ts: number;
  readonly state: FileState;
}

/** An upload that was interrupted; sending the same file there again goes on with it. */
export interface UnfinishedUpload {
  readonly conversation: string;
  readonly path: string;
  readonly size: number;
}

/** How far a transfer is, in bytes of the file. */
export interface FileProgress {
  readonly done: number;
  readonly total: number;
}

/** What every transfer takes. */
export interface TransferOptions {
  /** Called often; cheap things only. */
  readonly onProgress?: (progress: FileProgress) => void;
  /** Ends the transfer; what is done of it stays, to be gone on with. */
  readonly signal?: AbortSignal;
  /** The user's own allow-list: `pdf,png`, or a change like `+dwg,-sh` of the operator's, or `*`. */
  readonly types?: string;
}

/** Where a file is to be saved: in a folder under its own name made safe, or under exactly this path, which must be free. */
export type SavePlace =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string };

/**
 * Files. Methods reject with `ExitError` for what is wrong on this machine (its exit code says what: `notFound`, `usage`,
 * `localData`, `notAllowed`) and with `AppError` for what the server says; a lost connection is waited for.
 */
export interface FileActions {
  /** What the server takes. */
  rules(): Promise<FileRules>;
  /**
   * Uploads a file and then announces it; resolves to the id of that message, which is in the outbox then. Sending the same unchanged file to the same place again after an interruption
   * goes on where the server stands.
   */
  send(
    where: { readonly target: Target; readonly path: string },
    options?: TransferOptions,
  ): Promise<{ readonly id: string }>;
  /** Uploads that were interrupted. */
  unfinished(): Promise<readonly UnfinishedUpload[]>;
  /** Every file that was sent to this account or by it, earliest first. */
  list(target?: Target): Promise<readonly FileInfo[]>;
  /** Fetches, checks and saves the file of a message. Resolves to where it is. */
  get(
    file: { readonly id: string; readonly place: SavePlace },
    options?: TransferOptions,
  ): Promise<{ readonly info: FileInfo; readonly path: string }>;
  /** This account does not want it: the server need not keep it for us. */
  decline(id: string): Promise<void>;
}

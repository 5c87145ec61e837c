/** What the network side may ask of the storage side about files. Sizes are those of the ciphertext. */
import type { Actor, Outcome } from "./contract_base.ts";

type Empty = Record<never, never>;

/** Rows of files; the bytes go through `FileBytes`. */
export interface FileOperations {
  "file.limits": {
    in: Actor;
    out: Outcome<
      { maxBytes: number; quota: number; used: number; keepMs: number; types: string[] }
    >;
  };
  /** `synced`: bytes that are on disk for good. */
  "file.begin": {
    in: Actor & { conversation: string; file: string; size: number };
    out: Outcome<{ synced: number; complete: boolean }>;
  };
  /** Bytes up to `synced` are on disk for good. */
  "file.progress": { in: { file: string; synced: number }; out: Empty };
  /** `sealed`: all bytes are on disk; else it was finished before, or is refused. */
  "file.finish": {
    in: Actor & { file: string; sealed: boolean };
    out: Outcome<{ expiresAt: number }>;
  };
  /** What names the acting device to another server that has the file. */
  "file.ask": { in: Actor; out: Outcome<{ certificate: string }> };
  /** Whether this account may fetch it. */
  "file.locate": { in: Actor & { file: string }; out: Outcome<{ size: number }> };
  "file.done": { in: Actor & { file: string }; out: Outcome<Empty> };
  "file.delete": { in: Actor & { file: string }; out: Outcome<Empty> };
  /** The disk did not take it: nothing of it stays. */
  "file.abandon": { in: { file: string }; out: Empty };
}

/** The bytes of files, which never wait for the database, nor it for them. They reject like `Storage.call`. */
export interface FileBytes {
  /** Readies an upload of which `synced` bytes are on disk for good; how far it has got, which may be further. */
  open(input: { file: string; synced: number }): Promise<Outcome<{ offset: number }>>;
  /** Adds bytes at `offset`; refuses what leaves a gap or goes beyond `size`. Resolves before they are on disk. */
  write(
    input: { file: string; offset: number; size: number; bytes: Uint8Array },
  ): Promise<Outcome<{ offset: number }>>;
  /** Puts the whole upload on disk; refuses one that does not have `size` bytes. */
  seal(input: { file: string; size: number }): Promise<Outcome<Empty>>;
  /** At most `length` bytes from `offset` on. */
  read(
    input: { file: string; offset: number; length: number },
  ): Promise<Outcome<{ bytes: Uint8Array }>>;
}

/** What the operator decided about files. */
export interface FileSettings {
  /** Bytes of the largest file, before encryption. */
  readonly maxBytes: number;
  /** Ciphertext of one uploading account. */
  readonly bytesPerAccount: number;
  /** Ciphertext of all accounts together. */
  readonly bytesInAll: number;
  /** Milliseconds until a finished file is deleted, whoever has it. */
  readonly keepMs: number;
  /** Allowed extensions, for clients; empty: all. The server itself cannot see what it stores. */
  readonly types: readonly string[];
}

/** What the tables of conversations need of a profile: its database, and sealing under its key. */
import type { Bytes } from "../../lib/base/bytes.ts";
import type { Database } from "../../lib/sql/database.ts";

/** An unlocked profile database. */
export interface SealedDatabase {
  readonly database: Database;
  /** Seals `plaintext` for `place` (table, column and row key), and only there it opens again. */
  seal(place: string, plaintext: Uint8Array): Bytes;
  /** Throws `AppError("tampered")` when it was not sealed for that place under this profile's key. */
  open(place: string, sealed: Uint8Array): Bytes;
  /** A keyed hash of 32 bytes, to look something up by what must not be seen. */
  tag(text: string): Bytes;
}

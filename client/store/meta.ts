/** A few sealed values by name. */
import { type Bytes, fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import type { SealedDatabase } from "./sealed.ts";

/** The names of the values. */
export type MetaKey =
  | "identity"
  | "state"
  | "checkpoint"
  | "directory"
  | "audit"
  /** Of what the interactive client tells by the terminal. */
  | "alerts"
  /** The device (base64url) that was told last how far the archive goes; and what another one has told. */
  | "archive told"
  | "archive seen"
  /** Identities of linked servers by their names. */
  | "servers"
  /** The latest checkpoint of a linked server, by its identity. */
  | `checkpoint of ${string}`;

/** The sealed values of one profile. What writes does so in the caller's transaction, if there is one. */
export class Meta {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  get(key: MetaKey): Bytes | undefined {
    const row = this.#sealed.database.prepare("SELECT value FROM meta WHERE key = ?")
      .get<{ value: Uint8Array }>(key);
    return row && this.#sealed.open(`meta.value:${key}`, row.value);
  }

  set(key: MetaKey, value: Uint8Array): void {
    this.#sealed.database.prepare(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    ).run(key, this.#sealed.seal(`meta.value:${key}`, value));
  }

  remove(key: MetaKey): void {
    this.#sealed.database.prepare("DELETE FROM meta WHERE key = ?").run(key);
  }

  getText(key: MetaKey): string | undefined {
    const bytes = this.get(key);
    return bytes && fromUtf8(bytes);
  }

  setText(key: MetaKey, value: string): void {
    this.set(key, utf8(value));
  }
}

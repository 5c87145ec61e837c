/** The private parts of this device's key packages, sealed; each is stored before its public part leaves. */
import type { Bytes } from "../../lib/base/bytes.ts";
import type { SealedDatabase } from "./sealed.ts";

/** One private part. */
export interface StoredKeyPackage {
  /** Base64url of the KeyPackageRef. */
  readonly ref: string;
  readonly privateState: Uint8Array;
  readonly lastResort: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** The key packages of one profile. What writes does so in the caller's transaction, if there is one. */
export class KeyPackages {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  /** The private part, for a welcome. */
  readonly privateStates = (ref: string): Bytes | undefined => {
    const row = this.#sealed.database.prepare("SELECT private FROM key_packages WHERE ref = ?")
      .get<{ private: Uint8Array }>(ref);
    return row && this.#sealed.open(place(ref), row.private);
  };

  /** Forgets one that was used; the last resort stays, because it may be used again. */
  remove(ref: string): void {
    this.#sealed.database.prepare("DELETE FROM key_packages WHERE ref = ? AND last_resort = 0")
      .run(ref);
  }

  add({ ref, privateState, lastResort, createdAt }: StoredKeyPackage): void {
    this.#sealed.database.prepare(`INSERT INTO key_packages (ref, private, last_resort, created_at)
      VALUES (?, ?, ?, ?) ON CONFLICT (ref) DO NOTHING`)
      .run(ref, this.#sealed.seal(place(ref), privateState), lastResort ? 1 : 0, createdAt);
  }

  count(): number {
    return this.#sealed.database.prepare("SELECT count(*) AS count FROM key_packages")
      .get<{ count: number }>()?.count ?? 0;
  }

  /** The server has the last resort `ref`: all others have been replaced by it at `now`. */
  replaceLastResorts(ref: string, now: number): void {
    this.#sealed.database.prepare(`UPDATE key_packages SET replaced_at = ?
      WHERE last_resort = 1 AND ref <> ? AND replaced_at IS NULL`).run(now, ref);
  }

  /** Forgets what was made before `created` or, if a last resort, replaced before `replaced`. */
  removeOld(before: { readonly created: number; readonly replaced: number }): void {
    this.#sealed.database.prepare(
      "DELETE FROM key_packages WHERE created_at < ? OR replaced_at < ?",
    ).run(before.created, before.replaced);
  }
}

function place(ref: string): string {
  return `key_packages.private:${ref}`;
}

/** The accounts that this one has blocked, as the server listed them last. */
import { equalBytes, fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import type { SealedDatabase } from "./sealed.ts";

/** One of them. */
export interface BlockedAccount {
  /** UUID. */
  readonly account: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

const place = "meta.value:blocked";

/** The blocked accounts of one profile. */
export class Blocked {
  readonly #sealed: SealedDatabase;
  #known: { readonly value: Uint8Array; readonly list: readonly BlockedAccount[] } | undefined;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  /** In order of their names. Another process on the profile may have changed them. */
  all(): readonly BlockedAccount[] {
    const row = this.#sealed.database.prepare("SELECT value FROM meta WHERE key = 'blocked'")
      .get<{ value: Uint8Array }>();
    if (row === undefined) return [];
    if (this.#known !== undefined && equalBytes(this.#known.value, row.value)) {
      return this.#known.list;
    }
    const list: readonly BlockedAccount[] = JSON.parse(
      fromUtf8(this.#sealed.open(place, row.value)),
    );
    this.#known = { value: row.value, list };
    return list;
  }

  has(account: string | undefined): boolean {
    return account !== undefined && this.all().some((one) => one.account === account);
  }

  /** Replaces them. */
  put(list: readonly BlockedAccount[]): void {
    const inOrder = [...list].sort((a, b) => a.name < b.name ? -1 : 1);
    const value = this.#sealed.seal(place, utf8(JSON.stringify(inOrder)));
    this.#sealed.database.prepare(`INSERT INTO meta (key, value) VALUES ('blocked', ?)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`).run(value);
  }
}

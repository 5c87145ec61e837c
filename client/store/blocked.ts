/** Whom this account has blocked, as the server listed it last: accounts, and everybody of linked servers. */
import { equalBytes, fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import type { SealedDatabase } from "./sealed.ts";

/** An account, or a server. */
export interface BlockedAccount {
  /** UUID; absent for a server. */
  readonly account?: string;
  /** The account's address here; of a server, `@` and its name here. */
  readonly name: string;
  /** Of a server, its name here. */
  readonly server?: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

const place = "meta.value:blocked";

/** Everybody who is blocked in one profile. */
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

  /** Whether an account is blocked, or the server that its address here (`name@server`) names. */
  has(account: string | undefined, address: string): boolean {
    const at = address.lastIndexOf("@");
    const server = at < 0 ? undefined : address.slice(at + 1);
    return this.all().some((one) =>
      one.server === undefined
        ? account !== undefined && one.account === account
        : one.server === server
    );
  }

  /** Replaces them. */
  put(list: readonly BlockedAccount[]): void {
    const inOrder = [...list].sort((a, b) => a.name < b.name ? -1 : 1);
    const value = this.#sealed.seal(place, utf8(JSON.stringify(inOrder)));
    this.#sealed.database.prepare(`INSERT INTO meta (key, value) VALUES ('blocked', ?)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`).run(value);
  }
}

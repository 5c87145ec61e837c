/** How far the members of groups have got. */
import { toHex } from "../../lib/base/bytes.ts";
import type { SealedDatabase } from "./sealed.ts";

/** Sequences up to which somebody has got messages, and read them. */
export interface MemberProgress {
  readonly delivered: number;
  readonly read: number;
  /** Of somebody of another server: that server has everything up to here. */
  readonly reached: number;
}

interface Row extends MemberProgress {
  readonly tag: Uint8Array;
}

/** Keyed hashes that are kept: a few large groups' worth. */
const keptTags = 2_000;

const nothing: MemberProgress = { delivered: 0, read: 0, reached: 0 };

/** The progress of one profile's groups. Whatever writes does so in the caller's transaction. */
export class GroupProgress {
  readonly #sealed: SealedDatabase;
  readonly #known = new Map<
    number,
    { readonly at: string; readonly rows: ReadonlyMap<string, Row> }
  >();
  readonly #tags = new Map<string, Uint8Array>();
  /** Goes up with every change by this process. */
  #changes = 0;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  /** Notes how far an account has got; never back. True when that was news. */
  raise(
    thread: number,
    { account, delivered, read, reached }: MemberProgress & { account: string },
  ): boolean {
    const { database } = this.#sealed;
    const { changes } = database.prepare(`INSERT INTO group_progress
        (thread, tag, delivered, read, reached)
      VALUES (?, ?, ?, ?, ?) ON CONFLICT (thread, tag) DO UPDATE
      SET delivered = max(delivered, excluded.delivered), read = max(read, excluded.read),
        reached = max(reached, excluded.reached)
      WHERE excluded.delivered > delivered OR excluded.read > read OR excluded.reached > reached`)
      .run(thread, this.#tag(thread, account), delivered, read, reached);
    this.#changes += changes;
    return changes === 1;
  }

  /** Of these accounts, in their order; those of whom nothing is known have got nothing. */
  of(thread: number, accounts: readonly string[]): readonly MemberProgress[] {
    const rows = this.#rows(thread);
    return accounts.map((account) => rows.get(toHex(this.#tag(thread, account))) ?? nothing);
  }

  #rows(thread: number): ReadonlyMap<string, Row> {
    const { database } = this.#sealed;
    const at = `${database.dataVersion()} ${this.#changes}`;
    const known = this.#known.get(thread);
    if (known?.at === at) return known.rows;
    const all = database.prepare(
      "SELECT tag, delivered, read, reached FROM group_progress WHERE thread = ?",
    ).all<Row>(thread);
    const rows = new Map(all.map((row) => [toHex(row.tag), row]));
    this.#known.set(thread, { at, rows });
    return rows;
  }

  #tag(thread: number, account: string): Uint8Array {
    const text = `progress:${thread}:${account}`;
    const known = this.#tags.get(text);
    if (known !== undefined) return known;
    const made = this.#sealed.tag(text);
    if (this.#tags.size >= keptTags) this.#tags.clear();
    this.#tags.set(text, made);
    return made;
  }
}

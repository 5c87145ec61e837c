/** Content about a message that is not here yet, or that could not be read: kept until it comes, in bounds. */
import { fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import { contentLimits } from "../../lib/base/limits.ts";
import type { SealedDatabase } from "./sealed.ts";

/** Where it belongs. */
export interface EarlyPlace {
  readonly thread: number;
  /** Id of the message that it is about (UUID). */
  readonly target: string;
  /** The content's own id (UUID). */
  readonly id: string;
}

/** Content to keep. */
export interface NewEarly extends EarlyPlace {
  /** Account of the sender. */
  readonly account: string;
  /** When the server took it, in milliseconds since 1970. */
  readonly ts: number;
  /** Of the conversation's log. */
  readonly seq: number;
  /** What it says, as plain values. */
  readonly what: unknown;
}

interface Row {
  readonly id: string;
  readonly what: Uint8Array;
}

/** Early content of one profile. Whatever writes does so in the caller's transaction. */
export class EarlyContent {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  get #database() {
    return this.#sealed.database;
  }

  /** Keeps content; true when there was room. `now`: milliseconds since 1970. */
  keep({ thread, target, id, account, ts, seq, what }: NewEarly, now: number): boolean {
    this.#database.prepare("DELETE FROM early_content WHERE ts < ?").run(
      now - contentLimits.earlyMs,
    );
    const sender = this.#sealed.tag(`early:${thread}:${account}`);
    const { here, theirs } = this.#database.prepare(`SELECT count(*) AS here,
        coalesce(sum(sender = ?), 0) AS theirs FROM early_content WHERE thread = ?`)
      .get<{ here: number; theirs: number }>(sender, thread) ?? { here: 0, theirs: 0 };
    if (here >= contentLimits.early || theirs >= contentLimits.earlyPerSender) return false;
    const sealed = this.#sealed.seal(place(thread, id), utf8(JSON.stringify(what)));
    const { changes } = this.#database.prepare(`INSERT INTO early_content
        (thread, target, id, sender, ts, seq, what) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (thread, id) DO NOTHING`).run(thread, target, id, sender, ts, seq, sealed);
    return changes === 1;
  }

  /** Takes out what is kept about a message, in the order of the log. */
  take(thread: number, target: string): unknown[] {
    const rows = this.#database.prepare(
      "SELECT id, what FROM early_content WHERE thread = ? AND target = ? ORDER BY seq",
    ).all<Row>(thread, target);
    if (rows.length === 0) return [];
    this.#database.prepare("DELETE FROM early_content WHERE thread = ? AND target = ?")
      .run(thread, target);
    return rows.map(({ id, what }) =>
      JSON.parse(fromUtf8(this.#sealed.open(place(thread, id), what)))
    );
  }
}

function place(thread: number, id: string): string {
  return `early_content.what:${thread}:${id}`;
}

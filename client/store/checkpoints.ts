/** Checkpoints of the directory's log that conversations exchange: what was told to whom, and what is to be compared. */
import { type Bytes, fromUtf8, toHex, utf8 } from "../../lib/base/bytes.ts";
import { contentLimits } from "../../lib/base/limits.ts";
import type { SealedDatabase } from "./sealed.ts";

/** What somebody said that the server showed them. */
export interface HeardCheckpoint {
  readonly account: string;
  readonly name: string;
  /** Signed by the server, which nobody has checked yet. */
  readonly checkpoint: string;
}

interface Row {
  readonly account_tag: Uint8Array;
  readonly facts: Uint8Array;
}

/** The exchange of one profile. What writes does so in the caller's transaction, if there is one. */
export class Checkpoints {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  /** What was told to a thread last. */
  told(thread: number): { readonly size: number; readonly at: number } | undefined {
    return this.#sealed.database.prepare("SELECT size, at FROM checkpoints_told WHERE thread = ?")
      .get<{ size: number; at: number }>(thread);
  }

  tell(thread: number, { size, at }: { readonly size: number; readonly at: number }): void {
    this.#sealed.database.prepare(`INSERT INTO checkpoints_told (thread, size, at) VALUES (?, ?, ?)
      ON CONFLICT (thread) DO UPDATE SET size = excluded.size, at = excluded.at`)
      .run(thread, size, at);
  }

  /** Keeps what was heard, in place of what the same account said before; passed over when too many others wait. */
  hear(heard: HeardCheckpoint): void {
    const { database } = this.#sealed;
    const tag = this.#sealed.tag(`checkpoint account:${heard.account}`);
    const others = database.prepare(
      "SELECT count(*) AS count FROM checkpoints_heard WHERE account_tag <> ?",
    ).get<{ count: number }>(tag);
    if ((others?.count ?? 0) >= contentLimits.checkpointsHeard) return;
    database.prepare(`INSERT INTO checkpoints_heard (account_tag, facts) VALUES (?, ?)
      ON CONFLICT (account_tag) DO UPDATE SET facts = excluded.facts`)
      .run(tag, this.#sealed.seal(place(tag), utf8(JSON.stringify(heard))));
  }

  /** Everything that waits to be compared. */
  heard(): HeardCheckpoint[] {
    return this.#sealed.database.prepare("SELECT account_tag, facts FROM checkpoints_heard").all<
      Row
    >()
      .map(({ account_tag: tag, facts }) => this.#read(tag, facts));
  }

  /** It was compared. What the account said since then stays. */
  compared(heard: HeardCheckpoint): void {
    const { database } = this.#sealed;
    const tag = this.#sealed.tag(`checkpoint account:${heard.account}`);
    database.transaction(() => {
      const row = database.prepare("SELECT facts FROM checkpoints_heard WHERE account_tag = ?")
        .get<{ facts: Uint8Array }>(tag);
      if (row === undefined || this.#read(tag, row.facts).checkpoint !== heard.checkpoint) return;
      database.prepare("DELETE FROM checkpoints_heard WHERE account_tag = ?").run(tag);
    });
  }

  #read(tag: Uint8Array, facts: Bytes | Uint8Array): HeardCheckpoint {
    return JSON.parse(fromUtf8(this.#sealed.open(place(tag), facts)));
  }
}

function place(tag: Uint8Array): string {
  return `checkpoints_heard.facts:${toHex(tag)}`;
}

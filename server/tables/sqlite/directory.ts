/** The directory's log in SQLite: entries, and the nodes of the tree over them. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Directory } from "../tables.ts";
import { missing } from "./accounts.ts";

/** The directory's log. */
export class SqliteDirectory implements Directory {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  size(): number {
    const last = this.#database.prepare("SELECT max(entry) AS last FROM directory_entries")
      .get<{ last: number | null }>()?.last ?? null;
    return last === null ? 0 : last + 1;
  }

  node(level: number, index: number): Uint8Array {
    const row = this.#database.prepare(
      "SELECT hash FROM directory_nodes WHERE level = ? AND node = ?",
    ).get<{ hash: Uint8Array }>(level, index);
    if (row === undefined) throw missing("directory node");
    return row.hash;
  }

  add(index: number, entry: {
    readonly bytes: Uint8Array;
    readonly nodes: readonly { level: number; index: number; hash: Uint8Array }[];
  }): void {
    this.#database.prepare("INSERT INTO directory_entries (entry, bytes) VALUES (?, ?)")
      .run(index, entry.bytes);
    const insert = this.#database.prepare(
      "INSERT INTO directory_nodes (level, node, hash) VALUES (?, ?, ?)",
    );
    for (const node of entry.nodes) insert.run(node.level, node.index, node.hash);
  }

  entry(index: number): Uint8Array {
    const row = this.#database.prepare("SELECT bytes FROM directory_entries WHERE entry = ?")
      .get<{ bytes: Uint8Array }>(index);
    if (row === undefined) throw missing("directory entry");
    return row.bytes;
  }

  entries(from: number, limit: number): Uint8Array[] {
    return this.#database.prepare(
      "SELECT bytes FROM directory_entries WHERE entry >= ? ORDER BY entry LIMIT ?",
    ).all<{ bytes: Uint8Array }>(from, limit).map((row) => row.bytes);
  }
}

/** What taking back commits needs, in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { RefusalRow } from "../../operations/contract.ts";
import type { Repairs, RollbackFacts, StoredRefusal, Undo } from "../repairs.ts";
import { missing } from "./accounts.ts";
import { rowKey } from "./log.ts";

interface UndoRow {
  facts: string;
  group_info: Uint8Array;
}

/** JSON that this file wrote itself. */
function parsed<T>(text: string): T {
  return JSON.parse(text) as T;
}

/** Repairs in SQLite. */
export class SqliteRepairs implements Repairs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  keep(conversation: number, undo: Undo): void {
    const { groupInfo, ...facts } = undo;
    this.clear(conversation);
    this.#database.prepare(
      "INSERT INTO undos (conversation, ts, facts, group_info) VALUES (?, ?, ?, ?)",
    ).run(conversation, undo.ts, JSON.stringify(facts), groupInfo);
  }

  undo(conversation: number): Undo | undefined {
    const row = this.#database.prepare("SELECT facts, group_info FROM undos WHERE conversation = ?")
      .get<UndoRow>(conversation);
    if (row === undefined) return undefined;
    return { ...parsed<Omit<Undo, "groupInfo">>(row.facts), groupInfo: row.group_info };
  }

  clear(conversation: number): void {
    this.#database.prepare("DELETE FROM undos WHERE conversation = ?").run(conversation);
    this.#database.prepare("DELETE FROM refusals WHERE conversation = ?").run(conversation);
  }

  expire(before: number): void {
    this.#database.prepare(
      "DELETE FROM refusals WHERE conversation IN (SELECT conversation FROM undos WHERE ts < ?)",
    ).run(before);
    this.#database.prepare("DELETE FROM undos WHERE ts < ?").run(before);
    this.#database.prepare("DELETE FROM refused_commits WHERE ts < ?").run(before);
  }

  refusals(conversation: number): StoredRefusal[] {
    return this.#database.prepare("SELECT facts FROM refusals WHERE conversation = ? ORDER BY ts")
      .all<{ facts: string }>(conversation).map(({ facts }) => parsed<StoredRefusal>(facts));
  }

  addRefusal(conversation: number, refusal: StoredRefusal): void {
    this.#database.prepare(
      "INSERT OR IGNORE INTO refusals (conversation, device, ts, facts) VALUES (?, ?, ?, ?)",
    ).run(conversation, refusal.device, refusal.ts, JSON.stringify(refusal));
  }

  addRollback(
    conversation: number,
    row: RollbackFacts & { readonly seq: number; readonly ts: number },
  ): void {
    const { seq, ts, ...facts } = row;
    const key = rowKey(conversation, seq);
    // By the server itself: no device has the number 0, so everybody gets the row.
    this.#database.prepare(
      "INSERT INTO log (key, device, ts, epoch, message, bytes) VALUES (?, 0, ?, ?, NULL, ?)",
    ).run(key, ts, row.epoch, new Uint8Array(0));
    this.#database.prepare("INSERT INTO rollbacks (key, facts) VALUES (?, ?)")
      .run(key, JSON.stringify(facts));
  }

  rollback(conversation: number, seq: number): RollbackFacts {
    const row = this.#database.prepare("SELECT facts FROM rollbacks WHERE key = ?")
      .get<{ facts: string }>(rowKey(conversation, seq));
    if (row === undefined) throw missing("rollback");
    return parsed<RollbackFacts & { readonly refusals: RefusalRow[] }>(row.facts);
  }

  addRefused(conversation: number, commit: { readonly hash: string; readonly ts: number }): void {
    this.#database.prepare(
      "INSERT OR IGNORE INTO refused_commits (conversation, hash, ts) VALUES (?, ?, ?)",
    ).run(conversation, commit.hash, commit.ts);
  }

  isRefused(conversation: number, hash: string): boolean {
    return this.#database.prepare(
      "SELECT 1 AS one FROM refused_commits WHERE conversation = ? AND hash = ?",
    ).get(conversation, hash) !== undefined;
  }
}

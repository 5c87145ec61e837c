/** The lobby in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Lobby, NewPost } from "../tables.ts";

interface Row {
  seq: number;
  post: string;
  account: number;
  device: string;
  text: string;
  sent_at: number;
  ts: number;
  signature: string;
}

/** The lobby. */
export class SqliteLobby implements Lobby {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  head(): number {
    return this.#database.prepare(
      "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'lobby'), 0) AS head",
    ).get<{ head: number }>()?.head ?? 0;
  }

  add(post: NewPost): number {
    return this.#database.prepare(
      `INSERT INTO lobby (post, account, device, text, sent_at, ts, signature)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      post.post,
      post.account,
      post.device,
      post.text,
      post.sentAt,
      post.ts,
      post.signature,
    ).lastRowid;
  }

  find(device: string, post: string): { readonly seq: number; readonly ts: number } | undefined {
    return this.#database.prepare("SELECT seq, ts FROM lobby WHERE device = ? AND post = ?")
      .get<{ seq: number; ts: number }>(device, post);
  }

  read(after: number, limit: number): (NewPost & { readonly seq: number })[] {
    return this.#database.prepare("SELECT * FROM lobby WHERE seq > ? ORDER BY seq LIMIT ?")
      .all<Row>(after, limit)
      .map(({ sent_at: sentAt, ...rest }) => ({ ...rest, sentAt }));
  }

  cut(limits: { readonly through: number; readonly before: number }): number {
    const old = this.#lastBefore(limits.before);
    return this.#database.prepare("DELETE FROM lobby WHERE seq <= ?")
      .run(Math.max(limits.through, old)).changes;
  }

  /** Times ascend with the sequence, so the first that is young enough ends the search. */
  #lastBefore(ts: number): number {
    const young = this.#database.prepare("SELECT seq FROM lobby WHERE ts >= ? ORDER BY seq LIMIT 1")
      .get<{ seq: number }>(ts);
    return young === undefined ? this.head() : young.seq - 1;
  }
}

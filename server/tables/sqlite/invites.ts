/** Invitations in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { Invite, Invites } from "../invites.ts";

const columns = `hash, note, "left", created_at AS createdAt, expires_at AS expiresAt`;

/** The schema of invitations. */
export const invitesSchema = `
CREATE TABLE invites (
  hash TEXT PRIMARY KEY,
  note TEXT NOT NULL,
  "left" INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Invitations. */
export class SqliteInvites implements Invites {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add({ hash, note, left, createdAt, expiresAt }: Invite): void {
    this.#database.prepare("INSERT INTO invites VALUES (?, ?, ?, ?, ?)")
      .run(hash, note, left, createdAt, expiresAt);
  }

  get(hash: string): Invite | undefined {
    return this.#database.prepare(`SELECT ${columns} FROM invites WHERE hash = ?`)
      .get<Invite>(hash);
  }

  use(hash: string): void {
    this.#database.prepare(`UPDATE invites SET "left" = "left" - 1 WHERE hash = ?`).run(hash);
  }

  list(): Invite[] {
    return this.#database.prepare(`SELECT ${columns} FROM invites ORDER BY created_at`)
      .all<Invite>();
  }

  remove(hash: string): void {
    this.#database.prepare("DELETE FROM invites WHERE hash = ?").run(hash);
  }
}

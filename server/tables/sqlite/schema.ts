/** The schema of the server's database. Appended to, never changed. */
import { blockedServersSchema } from "./blocked_servers.ts";
import type { Migration } from "../../../lib/sql/migrate.ts";
import { followingSchema, hearsaySchema, itemsSchema, stashSchema } from "./following.ts";
import { groupsSchema } from "./groups_schema.ts";
import { invitesSchema } from "./invites.ts";
import { itemLifetimes, peersSchema } from "./peers.ts";
import { repairsSchema } from "./repairs_schema.ts";

const foundation = `
CREATE TABLE accounts (
  key INTEGER PRIMARY KEY,
  account TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  canonical TEXT NOT NULL UNIQUE,
  account_key TEXT NOT NULL,
  record TEXT NOT NULL,
  vault BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0,
  entry INTEGER NOT NULL,
  last_seen INTEGER,
  notifications INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE devices (
  key INTEGER PRIMARY KEY,
  device TEXT NOT NULL UNIQUE,
  account INTEGER NOT NULL REFERENCES accounts,
  label TEXT NOT NULL,
  certificate TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revocation TEXT,
  revoked_at INTEGER,
  last_seen INTEGER
) STRICT;
CREATE INDEX devices_by_account ON devices (account);

CREATE TABLE sessions (
  gateway INTEGER NOT NULL,
  session TEXT NOT NULL,
  device INTEGER NOT NULL,
  instance TEXT NOT NULL,
  receive INTEGER NOT NULL,
  host INTEGER NOT NULL UNIQUE,
  since INTEGER NOT NULL,
  PRIMARY KEY (gateway, session)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_packages (
  key INTEGER PRIMARY KEY,
  device INTEGER NOT NULL,
  ref TEXT NOT NULL,
  last_resort INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  stored_at INTEGER NOT NULL,
  claimed_by INTEGER,
  claimed_for TEXT,
  claimed_at INTEGER,
  UNIQUE (device, ref)
) STRICT;
CREATE INDEX key_packages_on_offer ON key_packages (device, last_resort, claimed_for);

CREATE TABLE conversations (
  key INTEGER PRIMARY KEY,
  conversation TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  pair TEXT UNIQUE,
  head INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0,
  trimmed INTEGER NOT NULL DEFAULT 0,
  last_commit INTEGER NOT NULL DEFAULT 0,
  last_sender INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE group_infos (
  conversation INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE members (
  conversation INTEGER NOT NULL,
  account INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0,
  delivered_at INTEGER,
  read INTEGER NOT NULL DEFAULT 0,
  read_at INTEGER,
  unread INTEGER NOT NULL DEFAULT 0,
  waiting INTEGER NOT NULL DEFAULT 0,
  notice INTEGER NOT NULL DEFAULT 0,
  notice_count INTEGER NOT NULL DEFAULT 0,
  notice_ts INTEGER NOT NULL DEFAULT 0,
  notice_from INTEGER NOT NULL DEFAULT 0,
  notice_seen INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (conversation, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_account ON members (account);

CREATE TABLE seats (
  conversation INTEGER NOT NULL,
  device INTEGER NOT NULL,
  joined INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  until INTEGER,
  last_own INTEGER NOT NULL,
  PRIMARY KEY (conversation, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX seats_by_device ON seats (device);

CREATE TABLE removals (
  conversation INTEGER NOT NULL,
  device INTEGER NOT NULL,
  PRIMARY KEY (conversation, device)
) STRICT, WITHOUT ROWID;

-- One row per message or commit, clustered by conversation: key = conversation * 2^28 + sequence.
CREATE TABLE log (
  key INTEGER PRIMARY KEY,
  device INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  message TEXT,
  bytes BLOB NOT NULL
) STRICT;

-- What belongs to a commit beside its row; the same key.
CREATE TABLE commits (
  key INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  external INTEGER NOT NULL,
  added TEXT NOT NULL,
  removed TEXT NOT NULL,
  roster TEXT NOT NULL,
  welcome BLOB NOT NULL
) STRICT;

-- The verdict on each of the last accepted commits, for a sender that did not hear it.
CREATE TABLE verdicts (
  conversation INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  hash TEXT NOT NULL,
  seq INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  device INTEGER NOT NULL,
  PRIMARY KEY (conversation, epoch)
) STRICT, WITHOUT ROWID;

-- The latest messages of each device, for a sender that did not hear that they were accepted.
CREATE TABLE sent (
  device INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  message TEXT NOT NULL,
  seq INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  PRIMARY KEY (device, conversation, message)
) STRICT, WITHOUT ROWID;

-- Whose messages the rows are, as stretches, so that unread messages are counted exactly after rows are deleted.
CREATE TABLE runs (
  conversation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  account INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE lobby (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  post TEXT NOT NULL,
  account INTEGER NOT NULL,
  device TEXT NOT NULL,
  text TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  signature TEXT NOT NULL,
  UNIQUE (device, post)
) STRICT;

CREATE TABLE notifications (
  account INTEGER NOT NULL,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ts INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  device TEXT,
  label TEXT,
  count INTEGER,
  PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_entries (
  entry INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE directory_nodes (
  level INTEGER NOT NULL,
  node INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  count INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
`;

/** Of a database from before, nothing is known of the clock until it is first asked. */
const clock = `
CREATE TABLE clock (
  key INTEGER PRIMARY KEY CHECK (key = 1),
  at INTEGER NOT NULL,
  doubted_ms INTEGER NOT NULL
) STRICT;
`;

/** The archives of accounts: sealed batches in a row. */
const archive = `
CREATE TABLE archives (
  account INTEGER PRIMARY KEY,
  position INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE archive_batches (
  key INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  position INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  at INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  UNIQUE (account, position)
) STRICT;
`;

/** The rows of files; their bytes are files of the data folder, named by id. */
const files = `
CREATE TABLE files (
  key INTEGER PRIMARY KEY,
  file TEXT NOT NULL UNIQUE,
  -- Storage keys of the conversation and of the account that uploads.
  conversation INTEGER NOT NULL,
  account INTEGER NOT NULL,
  -- Bytes of the whole ciphertext, and how many are on disk for good.
  size INTEGER NOT NULL,
  synced INTEGER NOT NULL DEFAULT 0,
  -- When something last moved in an upload.
  touched_at INTEGER NOT NULL,
  -- Null until it is finished.
  expires_at INTEGER
) STRICT;
CREATE INDEX files_by_account ON files (account);
CREATE INDEX files_by_expiry ON files (expires_at, touched_at);

-- The accounts that were listed when a file was finished, and whether they have it.
CREATE TABLE file_receivers (
  file INTEGER NOT NULL,
  account INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (file, account)
) STRICT, WITHOUT ROWID;
`;

/** Messages that do not stay. */
const lifetimes = `
-- When the bytes of a row are forgotten; null for the server's own time.
ALTER TABLE log ADD COLUMN until INTEGER;
CREATE INDEX log_until ON log (until) WHERE until IS NOT NULL;
`;

/** How far each device is known to be, so that one whose store was put back from a copy is told. */
const marks = `
ALTER TABLE seats ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE seats ADD COLUMN used_incarnation INTEGER;
ALTER TABLE seats ADD COLUMN used_epoch INTEGER;
ALTER TABLE seats ADD COLUMN used_generations INTEGER;
`;

/** Accounts that were deleted for good, whose names stay taken. */
const deletions = "ALTER TABLE accounts ADD COLUMN deleted_at INTEGER;";

/** How many conversations of each linked server are kept. */
const byHub = "CREATE INDEX conversations_by_hub ON conversations (hub) WHERE hub IS NOT NULL;";

/** What was encrypted before an account came is not taken after it. */
const newestMembers = "ALTER TABLE conversations ADD COLUMN newest INTEGER NOT NULL DEFAULT 0;";

/** Every step of the server's schema. */
export const migrations: readonly Migration[] = [
  { version: 1, name: "foundation", sql: foundation },
  { version: 2, name: "clock", sql: clock },
  { version: 3, name: "archive", sql: archive },
  { version: 4, name: "files", sql: files },
  { version: 5, name: "repairs", sql: repairsSchema },
  { version: 6, name: "groups", sql: groupsSchema },
  { version: 7, name: "lifetimes", sql: lifetimes },
  { version: 8, name: "invites", sql: invitesSchema },
  { version: 9, name: "marks of devices", sql: marks },
  { version: 10, name: "peers", sql: peersSchema },
  { version: 11, name: "conversations of linked servers", sql: followingSchema },
  { version: 12, name: "items about conversations", sql: itemsSchema },
  { version: 13, name: "deleted accounts", sql: deletions },
  { version: 14, name: "accounts by hearsay", sql: hearsaySchema },
  { version: 15, name: "blocked servers", sql: blockedServersSchema },
  { version: 16, name: "conversations by hub", sql: byHub },
  { version: 17, name: "items that do not stay", sql: itemLifetimes },
  { version: 18, name: "newest members", sql: newestMembers },
  { version: 19, name: "messages before which others are missing", sql: stashSchema },
];

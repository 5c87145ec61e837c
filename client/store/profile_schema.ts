/**
 * Tables of the account itself: its keys, whom it knows, its key packages, and what it has seen of the directory. All
 * values are sealed under the profile's key; row keys are keyed hashes or random.
 */

/** One migration's worth of SQL. */
export const profileSchema = `
  -- Few sealed values by name: seeds, certificate, state, checkpoint, audit.
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Accounts whose key was seen: what it was then is what it has to be.
  CREATE TABLE contacts (
    -- Keyed hash of the canonical name.
    tag BLOB PRIMARY KEY,
    -- Keyed hash of the account id.
    account_tag BLOB NOT NULL,
    -- Sealed JSON: name, account, key, whether verified, what was offered instead.
    facts BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX contacts_account ON contacts (account_tag);

  -- Revocations that the directory's log has, of anybody's devices: the server cannot withhold them later.
  CREATE TABLE revocations (
    -- Keyed hash of the whole.
    tag BLOB PRIMARY KEY,
    -- Keyed hash of the account id.
    account_tag BLOB NOT NULL,
    revocation BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX revocations_account ON revocations (account_tag);

  -- Private parts of this device's key packages.
  CREATE TABLE key_packages (
    ref TEXT PRIMARY KEY,
    private BLOB NOT NULL,
    last_resort INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- When a newer last resort took its place; it is still found for a while.
    replaced_at INTEGER
  ) STRICT, WITHOUT ROWID;
`;

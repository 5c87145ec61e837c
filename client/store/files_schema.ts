/** Tables of files on their way. Names, paths, keys and digests are sealed; ids are random. */

/** One migration's worth of SQL. */
export const filesSchema = `
  -- Messages that announce a file.
  ALTER TABLE messages ADD COLUMN attached INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX messages_attached ON messages (local) WHERE attached = 1;

  -- Uploads that are begun and not announced yet.
  CREATE TABLE uploads (
    upload INTEGER PRIMARY KEY,
    -- Keyed hash of conversation and path.
    tag BLOB NOT NULL UNIQUE,
    -- Sealed JSON: the file's id and key, its path, size and time.
    facts BLOB NOT NULL
  ) STRICT;

  -- What was encrypted under an upload's key, so that nothing else ever is: digests of chunks from one number on.
  CREATE TABLE upload_digests (
    upload INTEGER NOT NULL,
    first INTEGER NOT NULL,
    digests BLOB NOT NULL,
    PRIMARY KEY (upload, first)
  ) STRICT, WITHOUT ROWID;

  -- Files that are being saved, are saved, or are not wanted.
  CREATE TABLE downloads (
    file TEXT PRIMARY KEY,
    -- Sealed JSON.
    facts BLOB NOT NULL,
    -- Whether the server knows that this account has it.
    told INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

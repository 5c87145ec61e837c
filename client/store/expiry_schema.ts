/** What changes to messages need: quotes, lifetimes, and content that came before its message. */

/** One migration's worth of SQL. */
export const expirySchema = `
  -- The message that this one answers.
  ALTER TABLE messages ADD COLUMN reply_to TEXT;
  CREATE INDEX messages_reply ON messages (thread, reply_to) WHERE reply_to IS NOT NULL;
  -- Milliseconds that it stays once it is sent or read, and when it goes.
  ALTER TABLE messages ADD COLUMN expire_after INTEGER;
  ALTER TABLE messages ADD COLUMN expires_at INTEGER;
  CREATE INDEX messages_expires ON messages (expires_at) WHERE expires_at IS NOT NULL;
  -- The conversation's timer, and the sequence of what set it.
  ALTER TABLE threads ADD COLUMN expire_after INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE threads ADD COLUMN expire_seq INTEGER;

  -- About messages that are not here yet.
  CREATE TABLE early_content (
    thread INTEGER NOT NULL REFERENCES threads,
    target TEXT NOT NULL,
    id TEXT NOT NULL,
    -- Keyed hash of the account.
    sender BLOB NOT NULL,
    ts INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- Sealed JSON.
    what BLOB NOT NULL,
    PRIMARY KEY (thread, id)
  ) STRICT;
  CREATE INDEX early_content_target ON early_content (thread, target);
  CREATE INDEX early_content_ts ON early_content (ts);
`;

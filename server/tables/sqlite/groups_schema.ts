/** The columns and tables for groups, requests and blocking. */

/**
 * One migration's worth of SQL. Whoever shares a conversation from before knows the other one: nobody is asked about
 * people that they have long been writing to.
 */
export const groupsSchema = `
ALTER TABLE conversations ADD COLUMN creator INTEGER;
CREATE INDEX conversations_by_creator ON conversations (creator);
ALTER TABLE members ADD COLUMN role TEXT NOT NULL DEFAULT 'member';
ALTER TABLE members ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
ALTER TABLE members ADD COLUMN invited_by INTEGER;
ALTER TABLE members ADD COLUMN requested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN mutes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX members_invited ON members (invited_by) WHERE state = 'request';
ALTER TABLE seats ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN hidden INTEGER;
ALTER TABLE commits ADD COLUMN members TEXT NOT NULL DEFAULT '[]';
ALTER TABLE notifications ADD COLUMN conversation TEXT;
ALTER TABLE notifications ADD COLUMN by_account INTEGER;
ALTER TABLE notifications ADD COLUMN role TEXT;

CREATE TABLE contacts (
  account INTEGER NOT NULL,
  other INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (account, other)
) STRICT, WITHOUT ROWID;
INSERT INTO contacts (account, other, since)
  SELECT DISTINCT m.account, o.account, 0 FROM members m
  JOIN members o ON o.conversation = m.conversation AND o.account <> m.account;

CREATE TABLE blocks (
  account INTEGER NOT NULL,
  other INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (account, other)
) STRICT, WITHOUT ROWID;
`;

/** Schema: linked servers that accounts have blocked. */

/** Storage keys of the account and of the linked server. */
export const blockedServersSchema = `
CREATE TABLE blocked_servers (
  account INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (account, peer)
) STRICT, WITHOUT ROWID;
`;

/** Schema of second conversations with one account: both servers made one at the same moment. */

/** `twin_of`: the thread that the account's name leads to. */
export const twinsSchema = `
ALTER TABLE threads ADD COLUMN twin_of INTEGER;
CREATE INDEX twins ON threads (twin_of) WHERE twin_of IS NOT NULL;
`;

/** Schema of how far messages have got on the servers of those whom they are for. */

/** `reached`: of a member of another server, the sequence up to which that server has everything. */
export const reachedSchema = `
ALTER TABLE group_progress ADD COLUMN reached INTEGER NOT NULL DEFAULT 0;
`;

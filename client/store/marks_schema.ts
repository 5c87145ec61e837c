/** How far own sending keys are used: to be compared with what the server knows, should the store be put back. */

/** One migration's worth of SQL. */
export const marksSchema = `
  -- The latest epoch in which this device has encrypted, and how many generations of it.
  ALTER TABLE threads ADD COLUMN sent_epoch INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE threads ADD COLUMN sent_generations INTEGER NOT NULL DEFAULT 0;
`;

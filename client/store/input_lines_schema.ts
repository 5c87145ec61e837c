/** The lines that were entered in the interactive client. */

/** One migration's worth of SQL. */
export const inputLinesSchema = `
  CREATE TABLE input_lines (
    -- Ascending, in the order in which all windows entered them.
    id INTEGER PRIMARY KEY,
    -- Sealed text.
    line BLOB NOT NULL
  ) STRICT;
`;

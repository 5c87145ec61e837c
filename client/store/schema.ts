/** The schema of the profile database. The list is only ever appended to. */
import type { Migration } from "../../lib/sql/migrate.ts";
import { archiveSchema } from "./archive_schema.ts";
import { checkpointsSchema } from "./checkpoints_schema.ts";
import { contentSchema } from "./content_schema.ts";
import { expirySchema } from "./expiry_schema.ts";
import { filesSchema } from "./files_schema.ts";
import { groupsSchema, partsSchema, requestsSchema } from "./groups_schema.ts";
import { joinRowsSchema, joinsSchema, lostSchema } from "./lost_schema.ts";
import { inputLinesSchema } from "./input_lines_schema.ts";
import { messagingSchema } from "./messaging_schema.ts";
import { marksSchema } from "./marks_schema.ts";
import { reachedSchema } from "./reached_schema.ts";
import { repairsSchema, setBackSchema } from "./repairs_schema.ts";
import { profileSchema } from "./profile_schema.ts";
import { twinsSchema } from "./twins_schema.ts";

/** Every step that a profile database has gone through. */
export const profileMigrations: readonly Migration[] = [
  { version: 1, name: "profile", sql: profileSchema + messagingSchema },
  { version: 2, name: "groups", sql: groupsSchema },
  { version: 3, name: "silent content", sql: contentSchema },
  { version: 4, name: "files", sql: filesSchema },
  { version: 5, name: "checkpoints exchanged", sql: checkpointsSchema },
  { version: 6, name: "changes of messages", sql: expirySchema },
  { version: 7, name: "requests", sql: requestsSchema },
  { version: 8, name: "archive", sql: archiveSchema },
  { version: 9, name: "repairs", sql: repairsSchema + lostSchema },
  { version: 10, name: "marks of sending keys", sql: marksSchema },
  { version: 11, name: "group states in parts", sql: partsSchema },
  { version: 12, name: "joins by row", sql: joinsSchema },
  { version: 13, name: "times of setting back", sql: setBackSchema },
  { version: 14, name: "lines of input", sql: inputLinesSchema },
  { version: 15, name: "reached servers", sql: reachedSchema },
  { version: 16, name: "second conversations", sql: twinsSchema },
  { version: 17, name: "joins by row alone", sql: joinRowsSchema },
];

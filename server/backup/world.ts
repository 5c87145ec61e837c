/** What the commands on files are given. */
import type { AdminWorld } from "../admin/commands.ts";

/** Where a command works, and how it answers. */
export interface FilesWorld extends AdminWorld {
  readonly json: boolean;
  readonly now: () => number;
}

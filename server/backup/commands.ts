/** The operator's commands that work on the files of a data folder, whether a server runs on it or not. */
import { restoreBackup, writeBackup } from "./backup.ts";
import { checkFolder } from "./check.ts";
import { type LogChoice, showLog } from "./log_lines.ts";
import type { FilesWorld } from "./world.ts";

/** A command on files, read from the command line. */
export type FilesCommand =
  | { readonly kind: "backup" | "restore"; readonly file: string }
  | { readonly kind: "check" }
  | { readonly kind: "logs"; readonly choice: LogChoice };

/** Runs a command; returns the exit code. Throws `ExitError`. */
export async function runFiles(command: FilesCommand, world: FilesWorld): Promise<number> {
  switch (command.kind) {
    case "backup":
      return writeBackup(command.file, world);
    case "restore":
      return restoreBackup(command.file, world);
    case "check":
      return checkFolder(world);
    case "logs":
      return await showLog(command.choice, world);
  }
}

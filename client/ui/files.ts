/** Files that a person names. */

import { ExitError } from "../../lib/base/exit_codes.ts";

/** Writes `text` to a new file of mode 0600. Throws `ExitError` (localData) when it exists or cannot be written. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o600 });
  } catch (error) {
    throw new ExitError("localData", `${path} was not written: ${reason(error)}.`, {
      cause: error,
    });
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.AlreadyExists) {
    return "it exists already; choose another name";
  }
  if (error instanceof Deno.errors.NotFound) return "its folder does not exist";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

/** What a crash may leave behind while a profile or one of its files is written: found and removed at the next start. */
import { clientLimits } from "../../lib/base/limits.ts";
import { isSharedTokenHeld } from "../../lib/sql/shared_token.ts";
import { folderOf, removeIfThere } from "./files.ts";
import { instanceFile } from "./instance.ts";

/**
 * Removes unfinished profiles that were to become `folder`, and unfinished files in it. Only what has the name that
 * this program gives such things, is older than any writing takes, and is held by no process. What cannot be removed
 * is left for another time: nothing depends on it.
 */
export function sweepLeftovers(folder: string, now: number): void {
  const name = folder.replace(/[/\\]+$/, "").replace(/^.*[/\\]/s, "");
  for (const path of staleEntries(folderOf(folder), { now, prefix: `${name}.` })) {
    removeQuietly(path);
  }
  for (const path of staleEntries(folder, { now, prefix: "" })) removeQuietly(path);
}

/** Entries called PREFIX + anything without a path + 12 hexadecimal digits + `.tmp` that nobody can be writing still. */
function staleEntries(folder: string, { now, prefix }: { now: number; prefix: string }): string[] {
  const stale: string[] = [];
  try {
    for (const entry of Deno.readDirSync(folder)) {
      const rest = entry.name.startsWith(prefix) ? entry.name.slice(prefix.length) : "";
      const fits = prefix === "" ? /^[a-z.]+\.[0-9a-f]{12}\.tmp$/ : /^[0-9a-f]{12}\.tmp$/;
      const path = `${folder}/${entry.name}`;
      if (!entry.isSymlink && fits.test(rest) && isStale(path, now)) stale.push(path);
    }
  } catch (thrown) {
    // No folder yet, or one that vanished while it was looked at, or that is not ours.
    if (
      !(thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied)
    ) {
      throw thrown;
    }
  }
  return stale;
}

function isStale(path: string, now: number): boolean {
  const info = Deno.statSync(path);
  const changed = info.mtime?.getTime() ?? now;
  if (now - changed < clientLimits.leftoverMs) return false;
  return !info.isDirectory || !isSharedTokenHeld(instanceFile(path));
}

function removeQuietly(path: string): boolean {
  try {
    removeIfThere(path);
    return true;
  } catch {
    // Somebody else's, or a file system that is read only: a start does not fail for it.
    return false;
  }
}

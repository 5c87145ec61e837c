/**
 * One server per data folder, by a lock that the system holds for this process (flock): it is gone with the process,
 * however that ends, so that no stale lock can exist.
 */
import { pause, systemClock } from "../../lib/base/clock.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";

/** How long an older runtime without `tryLock` waits before it takes the folder for used, in milliseconds. */
const waitMs = 300;

/** A held lock; keep it as long as the folder is used. */
export interface FolderLock {
  release(): void;
}

/** Takes the lock of a data folder. Throws `ExitError` (localData) when another server has it. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const file = openLockFile(`${folder}/lock`, folder);
  if (await tryLock(file)) return { release: () => file.close() };
  throw new ExitError(
    "localData",
    `another server is running on ${folder}: stop that one, or choose another folder with --data`,
  );
}

function openLockFile(path: string, folder: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true, mode: 0o600 });
  } catch (cause) {
    const text = `the data folder ${folder} cannot be written: ${String(cause)}`;
    throw new ExitError("localData", text.split("\n", 1)[0] ?? text, { cause });
  }
}

/** Runtimes before 2.6 can only wait for a lock: there a short wait that ends without it is the answer. */
function tryLock(file: Deno.FsFile): Promise<boolean> {
  if ("tryLockSync" in file) return Promise.resolve(file.tryLockSync(true));
  return waitForLock(file);
}

async function waitForLock(file: Pick<Deno.FsFile, "lock">): Promise<boolean> {
  const late = new AbortController();
  const waited = pause(systemClock, waitMs, late.signal).then(() => false, () => false);
  const locked = file.lock(true).then(() => true);
  const result = await Promise.race([locked, waited]);
  late.abort();
  return result;
}

/**
 * One server per data folder, by a lock that the system holds for this process (flock): it is gone with the process,
 * however that ends, so that no stale lock can exist.
 */
import { pause, systemClock } from "../../lib/base/clock.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";

/** How long a runtime without `tryLock` waits for the lock. */
export interface LockPatience {
  /** In milliseconds. */
  readonly waitMs: number;
  /** Looks at the file system after that: on a busy machine the thread that is to take the lock may not have had its turn. */
  readonly turns: number;
}

const patience: LockPatience = { waitMs: 300, turns: 100 };

/** A held lock; keep it as long as the folder is used. */
export interface FolderLock {
  release(): void;
}

/** Takes the lock of a data folder. Throws `ExitError` (localData) when another server has it. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const file = openLockFile(`${folder}/lock`, folder);
  if (await tryLock(file, folder)) return { release: () => file.close() };
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

/** Runtimes before 2.6 can only wait for a lock. */
function tryLock(file: Deno.FsFile, folder: string): Promise<boolean> {
  if ("tryLockSync" in file) return Promise.resolve(file.tryLockSync(true));
  return lockSoon(file, folder, patience);
}

/** Waits for the lock of `file`, beside which `folder` is looked at; false when it does not come about. */
export async function lockSoon(
  file: Pick<Deno.FsFile, "lock">,
  folder: string,
  { waitMs, turns }: LockPatience,
): Promise<boolean> {
  let locked = false;
  const late = new AbortController();
  const taken = file.lock(true).then(() => locked = true);
  const waited = pause(systemClock, waitMs, late.signal).catch(() => undefined);
  await Promise.race([taken, waited]);
  late.abort();
  // Each look is another thread's turn, as is the lock: so many of them, and that one alone never, is no accident.
  for (let turn = 0; turn < turns && !locked; turn++) {
    await Deno.stat(folder);
    // A look that is over at once lets nothing else come to this thread.
    await pause(systemClock, 0);
  }
  return locked;
}

/** What SQLite throws, in the words of the rest of the code. */
import { AppError } from "../base/errors.ts";

/** Primary result codes (https://www.sqlite.org/rescode.html); the extended code's low byte. */
const resultCodes = { busy: 5, ioError: 10, corrupt: 11, full: 13, notADatabase: 26 } as const;

function resultCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !("errcode" in thrown)) return undefined;
  return typeof thrown.errcode === "number" ? thrown.errcode & 0xff : undefined;
}

/** Whether SQLite says that the file is not what it should be. */
export function isDamage(thrown: unknown): boolean {
  const code = resultCode(thrown);
  return code === resultCodes.corrupt || code === resultCodes.notADatabase;
}

/** Whether another process holds a lock that was needed. */
export function isLocked(thrown: unknown): boolean {
  return resultCode(thrown) === resultCodes.busy;
}

/** `thrown` as an `AppError`: `storage_full` where the disk does not take it, else `internal` with the cause. */
export function sqlError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const code = resultCode(thrown);
  if (code === resultCodes.full || code === resultCodes.ioError) {
    const text = "the disk is full or does not take what is written to it";
    return new AppError("storage_full", { text, fault: "environment", cause: thrown });
  }
  return new AppError("internal", { fault: "us", cause: thrown });
}

/** The error for a file that cannot be used; `text` says what is wrong with it and what to do. */
export function unusable(text: string, cause?: unknown): AppError {
  return new AppError("internal", {
    text,
    fault: "environment",
    ...(cause === undefined ? {} : { cause }),
  });
}

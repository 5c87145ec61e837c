/** Facts of this machine that the doctor asks for. */
import { statfsSync } from "node:fs";
import type { Machine } from "./doctor_checks.ts";

/** The machine as it is. */
export const thisMachine: Machine = {
  now: Date.now,
  freeBytes,
  openFiles,
  cannotListen,
};

function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch (thrown) {
    // Without the permission, or on a system without that call, it is simply not known.
    if (thrown instanceof Error) return undefined;
    throw thrown;
  }
}

/** Prints the limit of a process, on Linux. */
const ofProcess = (pid: number) =>
  `while read -r a b c soft rest; do [ "$a $b $c" = "Max open files" ] && echo "$soft"; done </proc/${pid}/limits`;

/** Only a shell knows, which the server itself may not start: from the start script it is not known. */
async function openFiles(pid?: number): Promise<number | undefined> {
  const permission = await Deno.permissions.query({ name: "run", command: "/bin/sh" });
  if (permission.state !== "granted") return undefined;
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", pid === undefined ? "ulimit -n" : ofProcess(pid)],
    stdin: "null",
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  if (text === "unlimited") return Infinity;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function cannotListen(address: { hostname: string; port: number }): string | undefined {
  try {
    Deno.listen(address).close();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AddrInUse) return "something listens there";
    if (thrown instanceof Deno.errors.PermissionDenied) return "this user may not";
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

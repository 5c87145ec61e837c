/** Showing the server's log. */
import { pause, systemClock } from "../../lib/base/clock.ts";
import { exitCodes, ExitError } from "../../lib/base/exit_codes.ts";
import type { LogLevel } from "../../lib/base/log.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import type { FilesWorld } from "./world.ts";

/** Which lines of the log. */
export interface LogChoice {
  /** The last so many. */
  readonly count: number;
  /** The least level. */
  readonly level: LogLevel;
  /** Go on with what is written from now on, until interrupted. */
  readonly follow: boolean;
}

const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/** How often the file is looked at while following, in milliseconds. */
const lookMs = 250;

/** Bytes read at a time. */
const chunkBytes = 64 * 1024;

/** Prints the last lines, and with `follow` whatever comes. Throws `ExitError` (notFound) when there is no log. */
export async function showLog(choice: LogChoice, world: FilesWorld): Promise<number> {
  const path = `${world.folder}/server.log`;
  const shown = (line: string) => {
    if (isWanted(line, choice.level)) world.print(world.json ? line : readable(line));
  };
  const text = read(path);
  const lines = text.split("\n").filter((line) => isWanted(line, choice.level));
  lines.slice(-choice.count).forEach(shown);
  if (choice.follow) await follow(path, new TextEncoder().encode(text).length, shown);
  return exitCodes.done;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ExitError("notFound", `there is no log ${path}: has a server run there?`, { cause });
  }
}

/** A file that has become shorter was rotated: the new one is read from its beginning. */
async function follow(path: string, from: number, take: (line: string) => void): Promise<never> {
  const decoder = new TextDecoder();
  let at = from;
  let rest = "";
  for (;;) {
    await pause(systemClock, lookMs);
    const size = Deno.statSync(path).size;
    if (size < at) at = 0;
    while (at < size) {
      const bytes = readAt(path, at);
      if (bytes.length === 0) break;
      at += bytes.length;
      const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      parts.forEach(take);
    }
  }
}

function readAt(path: string, at: number): Uint8Array {
  using file = Deno.openSync(path, { read: true });
  file.seekSync(at, Deno.SeekMode.Start);
  const bytes = new Uint8Array(chunkBytes);
  return bytes.subarray(0, file.readSync(bytes) ?? 0);
}

function isWanted(line: string, least: LogLevel): boolean {
  const level = parsed(line)?.["level"];
  return levels.indexOf(level as LogLevel) >= levels.indexOf(least);
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** As on the console. */
function readable(line: string): string {
  const { time, level, event, ...facts } = parsed(line) ?? {};
  const rest = Object.entries(facts).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  const when = String(time).slice(0, 19).replace("T", " ");
  const text = `${when} ${String(level).padEnd(7)} ${String(event).replaceAll("_", " ")}`;
  return sanitizeLine(text + rest.join(""), 2000);
}

/** What a running server goes by, for commands that look at it from outside. */
import { ExitError } from "../lib/base/exit_codes.ts";
import { RunningServer } from "./admin/ask.ts";
import type { SettingRow } from "./admin/protocol.ts";
import type { ServerFlags } from "./config.ts";

/** Facts of a running server. */
export interface RunningFacts {
  readonly pid: number;
  readonly port: number;
  /** Its configuration file, whether there is one or not. */
  readonly file: string;
  /** The flags of settings that it was started with. */
  readonly flags: ServerFlags;
}

/** Undefined where no server runs, or this user may not ask it. */
export async function runningFacts(folder: string): Promise<RunningFacts | undefined> {
  try {
    using server = await RunningServer.find(folder);
    if (server === undefined) return undefined;
    const { pid, port } = await server.ask("status", {});
    const { file, settings } = await server.ask("config.show", {});
    return { pid, port, file, flags: flagsOf(settings) };
  } catch (thrown) {
    if (thrown instanceof ExitError) return undefined;
    throw thrown;
  }
}

function flagsOf(rows: readonly SettingRow[]): ServerFlags {
  const given = rows.filter(({ from, value }) => from === "flag" && value !== null)
    .map(({ setting, value }) => [setting, value === true ? true : String(value)]);
  return Object.fromEntries(given);
}

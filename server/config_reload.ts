/** What a changed configuration means for a server that runs: what counts at once, and what waits for a restart. Pure. */
import { ExitError } from "../lib/base/exit_codes.ts";
import type { ConfigChange, ReloadAnswer } from "./admin/protocol.ts";
import { type ServerConfig, settingValues } from "./config.ts";
import { settingNames, settings } from "./config_settings.ts";

/** A configuration that is to hold from now on, and what it changes. */
export interface Reload {
  readonly config: ServerConfig;
  readonly answer: Omit<ReloadAnswer, "certificate">;
}

/**
 * What becomes of a running server when `next` is asked for. Settings that need a restart keep the values that hold, and
 * are told every time until then. Throws `ExitError` (localData) with the line when the file is not entirely usable.
 */
export function reloaded(
  running: ServerConfig,
  next: ServerConfig,
  { path, found }: { readonly path: string; readonly found: boolean },
): Reload {
  refuseProblems(next, path);
  const { registration, consent, peers, logLevel, files, limits, overruled } = next;
  const live = { registration, consent, peers, logLevel, files, limits, overruled };
  const changes = changesBetween(running, next);
  return {
    config: { ...running, ...live, origins: originsAfter(running, next) },
    answer: {
      file: path,
      found,
      applied: changes.filter(({ setting }) => settings[setting].live),
      restart: changes.filter(({ setting }) => !settings[setting].live),
      overruled: [...overruled],
    },
  };
}

function originsAfter(running: ServerConfig, next: ServerConfig): ServerConfig["origins"] {
  const origins = { ...running.origins };
  for (const name of settingNames) if (settings[name].live) origins[name] = next.origins[name];
  return origins;
}

/** Throws `ExitError` (localData) with every line of the file that cannot be used. */
function refuseProblems({ problems }: ServerConfig, path: string): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ line, text }) => `${path}:${line}: ${text}`);
  throw new ExitError("localData", `nothing was changed: ${lines.join("; ")}`);
}

function changesBetween(running: ServerConfig, next: ServerConfig) {
  const [before, after] = [settingValues(running), settingValues(next)];
  return settingNames.filter((name) => before[name] !== after[name])
    .map((setting) => ({
      setting,
      from: before[setting],
      to: after[setting],
    })) satisfies ConfigChange[];
}

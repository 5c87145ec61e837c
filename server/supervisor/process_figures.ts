/** What this process uses of the machine, as far as the runtime tells without further rights. */
import process from "node:process";
import type { ProcessFigures } from "./figures.ts";

/** As it stands now. Open files are not told: the runtime gives their list to programs with all rights alone. */
export function processFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: Number.isFinite(user + system) ? (user + system) / 1e6 : undefined,
    residentBytes: Deno.memoryUsage().rss,
    startedAt: performance.timeOrigin / 1000,
  };
}

/** The operator's commands within the test's own process: what they print is collected, and no process is paid for. */
import { runServerFor } from "../../server/run.ts";
import type { Ended } from "./program.ts";

/** What a command gets beside its arguments. */
export interface OperatorOptions {
  /** Stands for `--home`. */
  readonly home: string;
  /** What is typed when it asks; there is nobody to ask when absent. */
  readonly answer?: string;
}

/** Runs `sealpost server ARGS` to its end. */
export async function serverCommand(
  args: readonly string[],
  { home, answer }: OperatorOptions,
): Promise<Ended> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runServerFor([...args, "--home", home], {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    ask: () => answer,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

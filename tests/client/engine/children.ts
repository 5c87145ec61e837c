/** Engines in processes of their own. */
import { costFlags } from "../../kit/cost.ts";
import { Running } from "../../kit/program.ts";
import { type DeviceFacts, encodeFacts } from "./kit.ts";

const root = decodeURIComponent(new URL("../../../", import.meta.url).pathname);

/** Starts `child.ts` on a device's store; `crashAt` arms a crash point. */
export async function startChild(
  facts: DeviceFacts,
  command: readonly string[],
  options: { readonly crashAt?: string } = {},
): Promise<Running> {
  const flags = [
    "--quiet",
    "--no-prompt",
    "--no-check",
    "--config",
    `${root}deno.json`,
    ...costFlags(),
  ];
  // The run permission is for the child to kill itself at its crash point.
  const may = ["net", "read", "write", "env", "sys", "run"].map((what) => `--allow-${what}`);
  const script = `${root}tests/client/engine/child.ts`;
  return await Running.start(["run", ...flags, ...may, script, encodeFacts(facts), ...command], {
    file: Deno.execPath(),
    home: facts.folder,
    ...(options.crashAt === undefined ? {} : { env: { SEALPOST_CRASH_AT: options.crashAt } }),
  });
}

/**
 * Makes a few files of the many modules before they are compiled. A short command spends most of its time on finding,
 * reading and linking modules: six hundred of them take longer than what it has to do.
 */
import { licenceTexts } from "./embed.ts";

/** Modules that are started by URL, which the module graph of main.ts does not show. */
export const workers = [
  "server/storage/worker.ts",
  "server/gateway/worker.ts",
  "server/federation/worker.ts",
  "server/metrics/worker.ts",
  "client/engine/grep_worker.ts",
];

/** What is compiled: a folder, and what lies in it. */
export interface Bundle {
  readonly folder: string;
  /** Names at its top. */
  readonly names: readonly string[];
}

/**
 * Bundles main.ts and the workers into a new folder, which is the caller's to remove; `flags` are the bundler's. Undefined
 * when this Deno cannot: 2.4 does not understand some packages, and the bundler itself is fetched from the npm registry at first.
 * @throws Error when the modules are not as expected
 */
export async function bundle(
  root: string,
  flags: readonly string[] = [],
): Promise<Bundle | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "sealpost-bundle-" });
  try {
    const entries = ["main.ts", ...workers];
    if (!await runBundler(root, { folder, entries, flags })) {
      await Deno.remove(folder, { recursive: true });
      return undefined;
    }
    await placeWorkers(folder, workers);
    await Deno.writeTextFile(`${folder}/licences.txt`, await licenceTexts(root, entries));
    await Deno.writeTextFile(`${folder}/deno.json`, await settings(root));
    return { folder, names: [...Deno.readDirSync(folder)].map(({ name }) => name) };
  } catch (thrown) {
    await Deno.remove(folder, { recursive: true });
    throw thrown;
  }
}

/** Names and line breaks stay as they are, so that what a crash says can be read. */
async function runBundler(
  root: string,
  { folder, entries, flags }: {
    readonly folder: string;
    readonly entries: readonly string[];
    readonly flags: readonly string[];
  },
): Promise<boolean> {
  const options = ["--quiet", "--frozen", "--platform", "deno", "--code-splitting"];
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", ...options, ...flags, "--outdir", folder, ...entries],
    cwd: root,
    stdin: "null",
    stderr: "inherit",
  }).output();
  return success;
}

/** What of deno.json the compiled program needs. */
async function settings(root: string): Promise<string> {
  const { nodeModulesDir, unstable } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  return JSON.stringify({ nodeModulesDir, unstable });
}

/** Corrects the URLs of workers in all files of a bundle. */
async function placeWorkers(folder: string, workers: readonly string[]): Promise<void> {
  const started = new Set<string>();
  for (const path of scriptsIn(folder)) {
    const text = await Deno.readTextFile(`${folder}/${path}`);
    const placed = withWorkers(text, { path, workers });
    for (const worker of placed.started) started.add(worker);
    await Deno.writeTextFile(`${folder}/${path}`, placed.text);
  }
  const idle = workers.filter((worker) => !started.has(worker));
  if (idle.length > 0) throw new Error(`Nothing in the bundle starts ${idle.join(", ")}.`);
}

/**
 * The text of the bundle's file at `path`, in which `new URL("../gateway/worker.ts", import.meta.url)` leads to the worker
 * in the bundle, and the workers that it starts. The end of such a URL, without `../`, must be that of one worker alone.
 * @throws Error when it is not
 */
export function withWorkers(
  text: string,
  { path, workers }: { readonly path: string; readonly workers: readonly string[] },
): { readonly text: string; readonly started: readonly string[] } {
  const up = "../".repeat(path.split("/").length - 1) || "./";
  const started: string[] = [];
  const url = /new URL\(\s*"(?:\.\.?\/)+([^"]+\.ts)",\s*import\.meta\.url,?\s*\)/g;
  const placed = text.replaceAll(url, (_, end: string) => {
    const meant = workers.filter((worker) => `/${worker}`.endsWith(`/${end}`));
    const [worker] = meant;
    if (worker === undefined || meant.length > 1) {
      throw new Error(`${path} starts ${end}, which is not the end of one worker's path.`);
    }
    started.push(worker);
    return `new URL("${up}${worker.replace(/\.ts$/, ".js")}", import.meta.url)`;
  });
  return { text: placed, started };
}

/** Paths of all scripts under a folder. */
function scriptsIn(folder: string, under = ""): string[] {
  return [...Deno.readDirSync(`${folder}/${under}`)].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? scriptsIn(folder, `${under}${name}/`)
      : name.endsWith(".js")
      ? [`${under}${name}`]
      : []
  );
}

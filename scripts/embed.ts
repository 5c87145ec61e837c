/** What the compiled executable embeds of npm packages, and what it must not embed at all. */

/** Files of npm packages that no running program reads: types, source maps, sources, documentation. */
const useless = /\.d\.[cm]?ts$|\.map$|\.md$|\.tsx?$|\.flow$/i;
/** What packages call the file with their licence. */
const licence = /^(licen[cs]e|notice|copying)(\.\w+)?$/i;

/** What `deno info --json` says of an entry point, as far as it is needed here. */
export interface Info {
  readonly modules: readonly { readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<
    Record<string, { readonly dependencies: readonly string[]; readonly localPath: string }>
  >;
}

/**
 * Paths in Deno's cache to leave out: packages that no entry point comes to (`deno compile` would embed all that the
 * lock file names), and useless files of the others. Fetches the packages first.
 * @throws Error when Deno cannot fetch them or cannot read the module graph
 */
export async function uselessPaths(root: string, entries: readonly string[]): Promise<string[]> {
  const { used, unused } = await packagesOf(root, entries);
  const found = [...unused];
  for (const folder of used) collect(folder, { test: useless, found });
  return found;
}

/** The licences of all packages that some entry point comes to, as one text. Fetches the packages first; throws as above. */
export async function licenceTexts(root: string, entries: readonly string[]): Promise<string> {
  const found: string[] = [];
  const { used } = await packagesOf(root, entries);
  for (const folder of used) collect(folder, { test: licence, found });
  const texts = found.map((path) => {
    const [, name = path] = path.split(/\/registry\.[^/]+\//);
    return `${name}\n\n${Deno.readTextFileSync(path).trim()}\n`;
  });
  return texts.join("\n\n");
}

async function packagesOf(root: string, entries: readonly string[]) {
  await deno(root, ["install", "--quiet", "--frozen"]);
  const infos: Info[] = [];
  for (const entry of entries) infos.push(JSON.parse(await deno(root, ["info", "--json", entry])));
  return sortPackages(infos);
}

/** Folders of the packages that some entry point comes to, and of all the others. */
export function sortPackages(infos: readonly Info[]): { used: string[]; unused: string[] } {
  const packages = Object.assign(
    {},
    ...infos.map((info) => info.npmPackages),
  ) as Info["npmPackages"];
  const names = infos.flatMap((info) => info.modules.flatMap((module) => module.npmPackage ?? []));
  const reached = new Set(names);
  for (const name of reached) {
    for (const dependency of packages[name]?.dependencies ?? []) reached.add(dependency);
  }
  const folder = (name: string) => packages[name]!.localPath;
  const all = Object.keys(packages);
  return {
    used: all.filter((name) => reached.has(name)).map(folder),
    unused: all.filter((name) => !reached.has(name)).map(folder),
  };
}

/** Names at the top of the tree that `deno compile` printed which are not among those expected. */
export function strayEntries(printed: string, expected: readonly string[]): string[] {
  const tops = [...printed.matchAll(/^[├└]─[─┬] ([^ /]+)/gm)].map((match) => match[1]!);
  return tops.filter((name) => !expected.includes(name));
}

/** Adds the files of a kind under a folder; packages for other systems have none. */
function collect(
  folder: string,
  { test, found }: { readonly test: RegExp; readonly found: string[] },
): void {
  for (const entry of entriesOf(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) collect(path, { test, found });
    else if (test.test(entry.name)) found.push(path);
  }
}

function entriesOf(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function deno(cwd: string, args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdin: "null",
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`deno ${args[0]} failed.`);
  return new TextDecoder().decode(stdout);
}

/** What the compiled executable embeds, and what it must not. */

/** Files of npm packages that no running program reads: types, source maps, sources, documentation. */
const useless = /\.d\.[cm]?ts$|\.map$|\.md$|\.tsx?$|\.flow$/i;

/**
 * Paths of the useless files in Deno's cache of the npm packages that deno.lock names. Fetches the packages first.
 * @throws Error when Deno cannot say where its cache is, or cannot fetch
 */
export async function uselessFiles(root: string): Promise<string[]> {
  await deno(root, ["install", "--quiet", "--frozen", "--entrypoint", "main.ts"]);
  const { npmCache } = JSON.parse(await deno(root, ["info", "--json"])) as { npmCache: string };
  const packages = lockedPackages(await Deno.readTextFile(`${root}/deno.lock`));
  const found: string[] = [];
  for (const registry of folders(npmCache)) {
    for (const name of packages) collect(`${npmCache}/${registry}/${name}`, found);
  }
  return found;
}

/** `name/version` of each npm package of a lock file, in the form of Deno's cache folders. */
export function lockedPackages(lock: string): string[] {
  const { npm } = JSON.parse(lock) as { npm?: Record<string, unknown> };
  return Object.keys(npm ?? {}).map((key) => {
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
    return `${name}/${version}`;
  });
}

/** Names at the top of the tree that `deno compile` printed which are not among those expected. */
export function strayEntries(printed: string, expected: string[]): string[] {
  const tops = [...printed.matchAll(/^[├└]─[─┬] ([^ /]+)/gm)].map((match) => match[1]!);
  return tops.filter((name) => !expected.includes(name));
}

function collect(folder: string, found: string[]): void {
  for (const entry of entriesOf(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) collect(path, found);
    else if (useless.test(entry.name)) found.push(path);
  }
}

function folders(folder: string): string[] {
  return entriesOf(folder).filter((entry) => entry.isDirectory).map((entry) => entry.name);
}

/** Entries of a folder; none when it does not exist, as with packages for other systems. */
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

/**
 * Lists of errors that somebody can cause, as text files:
 *
 * ```
 * == what has to be prepared
 *
 * WHO what they do
 * $ words 'of the' command
 * < standard input, \n for a new line
 * 2 the exit code, and what they read
 *   in as many lines as it has
 * ```
 */

/** One error. */
export interface ErrorCase {
  readonly who: string;
  readonly does: string;
  readonly args: readonly string[];
  readonly input?: string;
  readonly code: number;
  /** Standard error, without `sealpost: `. */
  readonly says: string;
}

/** The errors of a file, by their headings. Throws for what is not in that form. */
export async function readErrors(file: URL): Promise<ReadonlyMap<string, readonly ErrorCase[]>> {
  const sections = new Map<string, ErrorCase[]>();
  let cases: ErrorCase[] = [];
  for (const block of (await Deno.readTextFile(file)).split(/\n\s*\n/)) {
    const lines = block.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("//"));
    const [first] = lines;
    if (first === undefined) continue;
    if (first.startsWith("== ")) sections.set(first.slice(3), cases = []);
    else cases.push(readCase(lines));
  }
  return sections;
}

function readCase(lines: readonly string[]): ErrorCase {
  const text = lines.join("\n");
  const found = /^(\S+) (.*)\n\$(?: (.*))?\n(?:< (.*)\n)?(\d+) ?([^]*)$/.exec(text);
  const [, who, does, words = "", input, code, says = ""] = found ?? [];
  if (who === undefined || does === undefined) throw new Error(`no case of an error: ${text}`);
  return {
    who,
    does,
    args: [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ""),
    ...(input === undefined ? {} : { input: input.replaceAll("\\n", "\n") }),
    code: Number(code),
    says: says.replaceAll("\n  ", "\n").trimEnd(),
  };
}

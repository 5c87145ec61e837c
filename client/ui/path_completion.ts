/** Completing paths of files in the commands that take one. */

import type { Completion } from "./dialogue.ts";

/** More candidates than this help nobody. */
const most = 200;

/** The command up to its path, and the path so far. */
const withPath = /^(\/(?:file\s+(?:[@#]\S+\s+)?|save\s+\d+\s+|export\s+))([^@#].*|)$/su;

/**
 * Candidates for the path at the end of `before`; undefined when no path is being typed there.
 * Hidden files are offered only to whoever has typed the dot. `expand` replaces `~`.
 */
export async function completePath(
  before: string,
  expand: (path: string) => string,
): Promise<Completion | undefined> {
  const found = withPath.exec(before);
  if (found === null) return undefined;
  const typed = found[2] ?? "";
  const cut = typed.lastIndexOf("/") + 1;
  const [folder, beginning] = [typed.slice(0, cut), typed.slice(cut)];
  const candidates: string[] = [];
  try {
    for await (const entry of Deno.readDir(expand(folder) || ".")) {
      const hidden = entry.name.startsWith(".") && !beginning.startsWith(".");
      if (hidden || !entry.name.startsWith(beginning)) continue;
      candidates.push(`${folder}${entry.name}${entry.isDirectory ? "/" : ""}`);
      if (candidates.length >= most) break;
    }
  } catch (thrown) {
    // A folder that is not there, or not readable, has nothing to offer.
    if (!(thrown instanceof Error)) throw thrown;
  }
  return { replaces: typed.length, words: candidates.sort() };
}

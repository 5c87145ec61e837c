/** The commands that the documents give exist, with every flag that stands with them. */
import assert from "node:assert/strict";
import { clientWord } from "../../client/run.ts";
import type { Word } from "../../lib/base/completion.ts";
import { serverWord } from "../../server/run.ts";

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
const programs: Readonly<Record<string, Word>> = { server: serverWord(), client: clientWord() };

/** Every `sealpost server ...` and `sealpost client ...` of a document, in code spans and blocks. */
async function commandsOf(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${root}${file}`);
  const found = text.matchAll(/(?<![\w./])(?:\.\/)?sealpost ((?:server|client)[^`\n|#>;]*)/g);
  return [...found].map(([, command]) =>
    (command ?? "").replaceAll(/'[^']*'|"[^"]*"/g, "X").trim()
  );
}

/** The words of the grammar that a command goes through. */
function pathOf(command: string): { path: Word[]; unknown: string | undefined } {
  const [first = "", ...words] = command.split(/\s+/);
  const path = [programs[first]].filter((word) => word !== undefined);
  for (const word of words) {
    const last = path.at(-1);
    if (last === undefined || last.words.length === 0 || !/^[a-z][a-z-]+$/.test(word)) break;
    const next = last.words.find(({ name }) => name === word);
    if (next === undefined) return { path, unknown: word };
    path.push(next);
  }
  return { path, unknown: undefined };
}

for (const file of ["README.md", "docs/OPERATIONS.md"]) {
  Deno.test(`every command in ${file} exists, with its flags`, async () => {
    const commands = await commandsOf(file);
    assert.ok(commands.length > 15, `${commands.length}`);
    for (const command of commands) {
      const { path, unknown } = pathOf(command);
      assert.equal(unknown, undefined, `${command}: there is no ${unknown}`);
      // A command may have a default among its own: `invite` alone is `invite make`.
      const all = [...path, ...path.at(-1)?.words ?? []];
      const known = all.flatMap(({ flags }) => flags.flatMap(({ names }) => names));
      for (const [flag] of command.matchAll(/(?<=[\s[])--[a-z][a-z-]*/g)) {
        assert.ok(known.includes(flag) || flag === "--help", `${command}: there is no ${flag}`);
      }
    }
  });
}

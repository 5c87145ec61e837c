/** Errors of the whole program and of the server's commands, as errors.txt lists them, with the compiled executable. */
import assert from "node:assert/strict";
import { type ErrorCase, readErrors } from "../kit/error_list.ts";
import { TempFolder } from "../kit/folder.ts";
import { Town } from "../kit/story.ts";
import { compiledProgram, Empty } from "./executable.ts";

Deno.env.set("SEALPOST_BINARY", await compiledProgram());

const errors = await readErrors(new URL("./errors.txt", import.meta.url));

Deno.test("every error of the server's commands says what happened, why, and what now", async (t) => {
  await using town = await Town.make();
  await using temp = await TempFolder.make();
  await using empty = await Empty.make();
  const words = await preparedWords(town, temp.path);
  const filled = (word: string) =>
    [...words].reduce((text, [name, value]) => text.replaceAll(name, value), word);
  const general = (text: string) =>
    [...words].sort(([, a], [, b]) => b.length - a.length)
      .reduce((all, [name, value]) => all.replaceAll(value, name), text)
      .replaceAll("sealpost: ", "")
      .replaceAll(/\b[0-9a-f]{4}(?: [0-9a-f]{4}){15}\b/g, "FINGERPRINT")
      .replaceAll(/knows \d+\)/g, "knows N)");
  const cause = async ({ who, does, args, code, says }: ErrorCase) => {
    const home = who === "op" ? town.folder : `${temp.path}/home`;
    const environment = { HOME: home, SEALPOST_HOME: home };
    const { code: exit, out, err } = await empty.run(args.map(filled), environment);
    // What a command that looks for faults has found is its data.
    const said = err === "" ? out : err;
    // What a server says of its start goes on until it gives up; why it does stands last.
    const last = general(said.trimEnd().split("\n").slice(-1).join("\n"));
    return exit === code && last === says ? [] : [{ does, code: exit, says: last }];
  };
  for (const [section, cases] of errors) {
    await t.step(section, async () => {
      const wrong = [];
      for (const one of cases) wrong.push(...await cause(one));
      assert.deepEqual(wrong, [], "this is what they say");
    });
  }
});

/** What the words of the list stand for, with files and folders that something is wrong with. */
async function preparedWords(town: Town, folder: string): Promise<Map<string, string>> {
  const words = new Map([
    ["FOLDER", folder],
    ["PORT", String(town.ready.port)],
    ["DATA", town.data],
  ]);
  const texts = {
    EMPTY: "",
    NOTES: "these are notes\n".repeat(100),
    MISSPELT: '{"registraton": "open"}',
  };
  for (const [word, text] of Object.entries(texts)) {
    words.set(word, `${folder}/${word.toLowerCase()}`);
    await Deno.writeTextFile(`${folder}/${word.toLowerCase()}`, text);
  }
  await Deno.mkdir(`${folder}/home`);
  words.set("HALF", `${folder}/half`);
  await Deno.mkdir(`${folder}/half`);
  await Deno.writeTextFile(`${folder}/half/sealpost.db.part`, "");
  const backup = `${folder}/backup`;
  words.set("BACKUP", backup);
  await run(["server", "backup", backup], town.folder);
  for (const word of ["DAMAGED", "NEWER", "KEYLESS"]) {
    words.set(word, `${folder}/${word.toLowerCase()}`);
    await run(["server", "restore", backup, "--data", `${folder}/${word.toLowerCase()}`], folder);
  }
  damage(`${folder}/damaged/sealpost.db`, {
    at: 0,
    bytes: new TextEncoder().encode("no database"),
  });
  // The header's user version (sqlite.org/fileformat, offset 60).
  damage(`${folder}/newer/sealpost.db`, { at: 60, bytes: Uint8Array.of(0, 0, 3, 231) });
  for (const entry of Deno.readDirSync(`${folder}/keyless`)) {
    if (/key|identity/.test(entry.name)) await Deno.remove(`${folder}/keyless/${entry.name}`);
  }
  return words;
}

async function run(args: readonly string[], home: string): Promise<void> {
  await using empty = await Empty.make();
  const { code, err } = await empty.run(args, { HOME: home, SEALPOST_HOME: home });
  assert.equal(code, 0, `${args.join(" ")}: ${err}`);
}

function damage(path: string, { at, bytes }: { readonly at: number; readonly bytes: Uint8Array }) {
  const file = Deno.openSync(path, { write: true });
  file.seekSync(at, Deno.SeekMode.Start);
  file.writeSync(bytes);
  file.close();
}

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { completionScript, type Word } from "../../lib/base/completion.ts";
import { TempFolder } from "../kit/folder.ts";
import { run } from "../kit/program.ts";

const leaf = (name: string): Word => ({ name, about: `it's ${name}`, flags: [], words: [] });

/** What bash offers behind the words; the last one is being typed. */
async function offered(script: string, typed: readonly string[]): Promise<string[]> {
  const ask = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _${
    typed[0]
  }; echo "\${COMPREPLY[*]}"`;
  const { code, stdout } = await new Deno.Command("bash", { args: ["-c", ask, "ask", ...typed] })
    .output();
  strictEqual(code, 0);
  return new TextDecoder().decode(stdout).trim().split(" ").filter((word) => word !== "");
}

Deno.test("bash completes words where they belong, flags after a dash, and nothing in place of a value", async () => {
  const program: Word = {
    name: "mill",
    about: "",
    flags: [],
    words: [
      { ...leaf("grind"), flags: [{ names: ["--fine", "-f"], about: "", value: true }] },
      { ...leaf("sell"), words: [leaf("flour"), leaf("bran")] },
    ],
  };
  const script = completionScript("bash", program);
  const cases: [string[], string[]][] = [
    [["mill", ""], ["grind", "sell"]],
    [["mill", "g"], ["grind"]],
    [["mill", "sell", ""], ["flour", "bran"]],
    [["mill", "sell", "bran", ""], []],
    [["mill", "grind", "--"], ["--fine"]],
    [["mill", "grind", "--fine", ""], []],
    [["mill", "grind", "--fine", "9", "-"], ["--fine", "-f"]],
    [["mill", "bogus", "sell", "f"], ["flour"]],
  ];
  for (const [typed, expected] of cases) {
    deepStrictEqual(await offered(script, typed), expected, typed.join(" "));
  }
});

Deno.test("the program prints completions of its own commands for each shell", async () => {
  await using home = await TempFolder.make();
  const print = (shell: string) => run(["completion", shell], { home: home.path });
  const { code, out } = await print("bash");
  strictEqual(code, 0);
  ok((await offered(out, ["sealpost", "client", ""])).includes("send"));
  ok((await offered(out, ["sealpost", "server", "--"])).includes("--data"));
  deepStrictEqual(await offered(out, ["sealpost", "server", "sto"]), ["stop"]);
  for (const shell of ["zsh", "fish"]) {
    const printed = await print(shell);
    strictEqual(printed.code, 0);
    ok(printed.out.includes("server status"), shell);
  }
  const unknown = await print("tcsh");
  deepStrictEqual([unknown.code, unknown.out], [2, ""]);
});

Deno.test("paths says where everything is kept, for people and for programs", async () => {
  await using home = await TempFolder.make();
  const { code, out } = await run(["paths", "--json"], { home: home.path });
  deepStrictEqual([code, JSON.parse(out)], [0, {
    v: 1,
    type: "paths",
    serverData: `${home.path}/server`,
    serverConfig: `${home.path}/server.json`,
    client: `${home.path}/client`,
  }]);
});

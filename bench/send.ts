/** The compiled executable as a script uses it: from the start to the exit of `client send`, on a profile that exists. */
import { compiledProgram } from "../tests/e2e/executable.ts";
import { TempFolder } from "../tests/kit/folder.ts";
import { ChildLines } from "./child_lines.ts";
import { childrenCpu, percentile, report } from "./report.ts";

/** Sends are not counted before everything is set up: the conversation, its keys, the system's file cache. */
const warmUps = 5;

/** `runs` sends to another account, and as many to the lobby; in between what the executable takes to do nothing. */
export async function send(runs = 20): Promise<void> {
  const program = await compiledProgram();
  await using folder = await TempFolder.make();
  const server = new Deno.Command(program, {
    args: ["server", "0", "--json", "--home", folder.path],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = new ChildLines<{ port: number }>(server.stdout);
  try {
    const { port } = await lines.next();
    await Deno.writeTextFile(`${folder.path}/password`, "seven purple dogs in a vase");
    const run = client(program, folder.path);
    for (const name of ["ann", "ben"]) await run(name, ["register", name, ...first(port, folder)]);
    for (let at = 0; at < warmUps; at++) await run("ann", ["send", "ben", `warm ${at}`]);
    await measure(runs, {
      "to an account": () => run("ann", ["send", "ben", "lunch?"]),
      "to the lobby": () => run("ann", ["send", "#lobby", "lunch?"]),
      "client --help": () => run("ann", ["--help"]),
    });
  } finally {
    server.kill("SIGTERM");
    await server.status;
    await lines.cancel();
  }
}

function first(port: number, { path }: { readonly path: string }): string[] {
  const server = ["--server", `127.0.0.1:${port}`, "--accept-new"];
  return [...server, "--remember", "--password-file", `${path}/password`];
}

/** Runs one command of the client to its end; each account has a home of its own. */
function client(program: string, folder: string) {
  return async (name: string, words: readonly string[]): Promise<void> => {
    const { code, stderr } = await new Deno.Command(program, {
      args: ["client", ...words, "--home", `${folder}/${name}`],
      stdin: "null",
      stdout: "null",
    }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  };
}

/** All in turn, so that each meets the machine as the others do. */
async function measure(
  runs: number,
  actions: Readonly<Record<string, () => Promise<void>>>,
): Promise<void> {
  const taken = Object.keys(actions).map((name) => ({ name, wall: [] as number[], cpu: 0 }));
  for (let at = 0; at < runs; at++) {
    for (const one of taken) {
      const cpu = await childrenCpu();
      const begun = performance.now();
      await actions[one.name]!();
      one.wall.push(performance.now() - begun);
      one.cpu += await childrenCpu() - cpu;
    }
  }
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  for (const { name, wall, cpu } of taken) {
    report(`send: ${name}, ${runs} times from start to exit`, {
      "median": ms(percentile(wall, 0.5)),
      "fastest": ms(Math.min(...wall)),
      "90th percentile": ms(percentile(wall, 0.9)),
      "CPU of the process, mean": ms(1000 * cpu / runs),
    });
  }
}

/** Sealpost: the first word decides what this one program is. Everything else is loaded only when it is needed. */
import { completionScript, shells } from "./lib/base/completion.ts";
import { exitCodes, ExitError } from "./lib/base/exit_codes.ts";
import { exitErrorLine, typedLine } from "./lib/base/json_line.ts";
import { version } from "./lib/base/version.ts";

const help = `Sealpost ${version}: private messages on your own server.

  sealpost server [PORT]         run a server (sealpost server --help)
  sealpost client [HOST [PORT]]  chat, or send and read from scripts (sealpost client --help)
  sealpost doctor [--json]       look at the server and the client of this machine, and say what to do
  sealpost verify FILE           check a signed receipt, offline
  sealpost schema [NAME]         print the protocol, client rpc, or what --json prints as JSON Schema
  sealpost completion SHELL      print completions for bash, zsh or fish
  sealpost paths [--json]        print where everything is kept
  sealpost version [--json]      print the version
  sealpost help                  print this text
`;

/** Each first word with what it runs; all of them return the exit code. */
const words: Readonly<Record<string, (args: string[]) => Promise<number> | number>> = {
  server: async (args) => (await import("./server/run.ts")).runServer(args),
  client: async (args) => (await import("./client/run.ts")).runClient(args),
  doctor: async (args) => await doctor(args),
  verify: async (args) => (await import("./client/run.ts")).runVerify(args),
  schema: async (args) => (await import("./client/run.ts")).runSchema(args, await serverOutputs()),
  completion: async ([shell]) => await completion(shell),
  paths: async (args) => await paths(args.includes("--json")),
  version: (args) =>
    say(args.includes("--json") ? typedLine("version", { version }) : `sealpost ${version}`),
  help: () => say(help),
  "--version": () => say(`sealpost ${version}`),
  "--help": () => say(help),
  "-h": () => say(help),
};

async function serverOutputs() {
  return await (await import("./server/run.ts")).serverOutputs();
}

function say(text: string): number {
  console.log(text.trimEnd());
  return exitCodes.done;
}

async function completion(shell: string | undefined): Promise<number> {
  const known = shells.find((each) => each === shell);
  if (known === undefined) {
    console.error(`sealpost: which shell? sealpost completion ${shells.join("|")}`);
    return exitCodes.usage;
  }
  const [{ serverWord }, { clientWord, schemaNames }] = await Promise.all([
    import("./server/run.ts"),
    import("./client/run.ts"),
  ]);
  const choices: Readonly<Record<string, readonly string[]>> = {
    completion: shells,
    schema: await schemaNames(await serverOutputs()),
  };
  const others = Object.keys(words).filter((name) => !/^-|^(server|client)$/.test(name));
  return say(completionScript(known, {
    name: "sealpost",
    about: "",
    flags: [],
    words: [
      serverWord(),
      clientWord(),
      ...others.map((name) => ({
        name,
        about: "",
        flags: [],
        words: (choices[name] ?? [])
          .map((each) => ({ name: each, about: "", flags: [], words: [] })),
      })),
    ],
  }));
}

const doctorHelp = `Usage: sealpost doctor [--json] [--home FOLDER]

Looks at everything that the server and the client of this machine need: what of both is here. Each line says
ok, warn, fail or skip, and what to do. Exit code 0, or that of the first thing that fails; 6 when neither is here.

For example: sealpost doctor --json`;

/** Runs the doctors of what is here, the server's first; the exit code is that of the first that finds something. */
async function doctor(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) return say(doctorHelp);
  try {
    const [server, client] = await Promise.all([
      import("./server/run.ts"),
      import("./client/run.ts"),
    ]);
    const codes: number[] = [];
    if (server.isServerHere(args)) codes.push(await server.runServer(["doctor", ...args]));
    if (client.isClientHere(args)) codes.push(await client.runClient(["doctor", ...args]));
    if (codes.length > 0) return codes.find((code) => code !== 0) ?? exitCodes.done;
    throw new ExitError(
      "notFound",
      "neither a server nor a client has been used here: start one, or name its folder with --home",
    );
  } catch (thrown) {
    return fail(thrown, args.includes("--json"));
  }
}

async function paths(json: boolean): Promise<number> {
  try {
    const [{ serverPlaces }, { clientPlace }] = await Promise.all([
      import("./server/run.ts"),
      import("./client/run.ts"),
    ]);
    const { data, config } = serverPlaces();
    const places = { serverData: data, serverConfig: config, client: clientPlace() };
    return say(
      json ? typedLine("paths", places) : [
        `server data           ${places.serverData}`,
        `server configuration  ${places.serverConfig}`,
        `client profiles       ${places.client}`,
      ].join("\n"),
    );
  } catch (thrown) {
    return fail(thrown, json);
  }
}

/** What cannot be done, and the exit code for it. */
function fail(thrown: unknown, json: boolean): number {
  if (!(thrown instanceof ExitError)) throw thrown;
  console.error(json ? exitErrorLine(thrown) : `sealpost: ${thrown.message}`);
  return thrown.exitCode;
}

function usage(word: string | undefined): number {
  const problem = word === undefined
    ? "say what to run"
    : `there is no command ${JSON.stringify(word)}`;
  console.error(
    `sealpost: ${problem}: ${
      Object.keys(words).filter((name) => !name.startsWith("-")).join(", ")
    }`,
  );
  return exitCodes.usage;
}

const [word, ...args] = Deno.args;
const run = word !== undefined && Object.hasOwn(words, word) ? words[word] : undefined;
Deno.exit(run === undefined ? usage(word) : await run(args));

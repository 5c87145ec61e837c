/** Sealpost: the first word decides what this one program is. Everything else is loaded only when it is needed. */
import { exitCodes } from "./lib/base/exit_codes.ts";
import { version } from "./lib/base/version.ts";

const help = `Sealpost ${version}: private messages on your own server.

  sealpost server [PORT]         run a server (sealpost server --help)
  sealpost client [HOST [PORT]]  chat, or send and read from scripts (sealpost client --help)
  sealpost verify FILE           check a signed receipt, offline
  sealpost schema                print the protocol's messages as JSON Schema
  sealpost version [--json]      print the version
  sealpost help                  print this text
`;

/** Each first word with what it runs; all of them return the exit code. */
const words: Readonly<Record<string, (args: string[]) => Promise<number> | number>> = {
  server: async (args) => (await import("./server/run.ts")).runServer(args),
  client: async (args) => (await import("./client/run.ts")).runClient(args),
  verify: async (args) => (await import("./client/run.ts")).runVerify(args),
  schema: async () => (await import("./client/run.ts")).runSchema(),
  version: (args) =>
    say(args.includes("--json") ? JSON.stringify({ version }) : `sealpost ${version}`),
  help: () => say(help),
  "--version": () => say(`sealpost ${version}`),
  "--help": () => say(help),
  "-h": () => say(help),
};

function say(text: string): number {
  console.log(text.trimEnd());
  return exitCodes.done;
}

function usage(word: string | undefined): number {
  const problem = word === undefined
    ? "say what to run"
    : `there is no command ${JSON.stringify(word)}`;
  console.error(`sealpost: ${problem}: server, client, verify, schema, version or help`);
  return exitCodes.usage;
}

const [word, ...args] = Deno.args;
const run = word !== undefined && Object.hasOwn(words, word) ? words[word] : undefined;
Deno.exit(run === undefined ? usage(word) : await run(args));

/**
 * The composition root of the client: reads the command line, picks the adapters, and turns what went wrong into one
 * line and an exit code.
 */
import { Command, CommanderError } from "commander";
import { systemClock } from "../lib/base/clock.ts";
import { type Word, wordOf } from "../lib/base/completion.ts";
import { meant } from "../lib/base/edit_distance.ts";
import { exitCodes, ExitError } from "../lib/base/exit_codes.ts";
import { failureOf } from "./commands/failure.ts";
import { errorJson, jsonLine } from "./commands/json.ts";
import { addClientFlags, type ClientFlags, firstWord } from "./commands/options.ts";
import { buildProgram, commandNames } from "./commands/program.ts";
import { beginRun, type Run, styleOf, withEntrance } from "./commands/session.ts";
import { misuse } from "./commands/usage.ts";
import { verifyFile, verifyProgram } from "./commands/verify.ts";
import type { World } from "./commands/world.ts";
import { openEntrance } from "./engine/entrance.ts";
import { clientFolder } from "./store/paths.ts";
import { parseServerAddress } from "./engine/servers.ts";
import { runShell } from "./shell.ts";
import type { Dialogue } from "./ui/dialogue.ts";
import { paletteFor } from "./ui/colours.ts";
import { DumbTerminal } from "./ui/dumb_terminal.ts";
import { type LineStyle, safe } from "./ui/format.ts";
import { LineEditor } from "./ui/line_editor.ts";
import { LineMode } from "./ui/line_mode.ts";
import { LineReader } from "./ui/line_reader.ts";
import { backgroundOfVariable } from "./ui/questions.ts";
import { enterAccount } from "./ui/prompts.ts";
import {
  openTerminal,
  plainInput,
  type Terminal,
  terminalColumns,
  writeErr,
  writeOut,
} from "./ui/terminal.ts";
import { wrappedWords } from "./ui/words.ts";
import { readFileChoices } from "./store/settings.ts";

/** Schemas of what other parts of the program print with `--json`, by their names. */
type Outputs = Readonly<Record<string, object>>;

/**
 * Runs `sealpost schema [NAME]` and returns the exit code: the protocol's messages, `client rpc`, or what `--json` prints,
 * as JSON Schema. `others`: what is printed beside the client's own.
 */
export async function runSchema(args: readonly string[], others: Outputs): Promise<number> {
  const [name = "protocol", ...more] = args;
  const document = more.length > 0 ? undefined : await schemaOf(name, others);
  if (document !== undefined) {
    writeOut(`${JSON.stringify(document, undefined, 2)}\n`);
    return exitCodes.done;
  }
  const known = (await schemaNames(others)).join(", ");
  writeErr(`sealpost: there is no schema ${safe(args.join(" "), 40)}; there are: ${known}\n`);
  return exitCodes.usage;
}

async function schemaOf(name: string, others: Outputs): Promise<object | undefined> {
  if (name === "protocol") return (await import("../lib/wire/schema.ts")).protocolSchema();
  const { outputDocument, rpcDocument } = await import("./commands/rpc/document.ts");
  return name === "rpc" ? rpcDocument() : outputDocument(name, others);
}

/** The names that `sealpost schema` takes. */
export async function schemaNames(others: Outputs): Promise<readonly string[]> {
  return ["protocol", "rpc", ...(await import("./commands/rpc/document.ts")).outputNames(others)];
}

/** Runs `sealpost client ARGS` and returns the exit code. Never throws. */
export async function runClient(args: readonly string[]): Promise<number> {
  Deno.umask(0o077);
  const world = machine();
  try {
    const command = firstWord(args);
    const oneShot = commandNames.some((name) => name === command) || isHelp(args);
    return oneShot ? await runOneShot(world, args) : await runInteractive(world, args);
  } catch (error) {
    // What is said now stands below everything, on a terminal that is as it was.
    await world.close();
    return reportFailure(error, { args, err: world.err });
  } finally {
    await world.close();
  }
}

/** Runs one command in `world` and returns its exit code; a failure is one line of its standard error. Never throws. */
export async function runOneShot(world: World, args: readonly string[]): Promise<number> {
  try {
    const program = quietly(buildProgram(world, parseServerAddress), world.out);
    await program.parseAsync([...args], { from: "user" });
    return exitCodes.done;
  } catch (error) {
    return reportFailure(error, { args, err: world.err });
  }
}

/** Where the client keeps its profiles, as things stand here. Throws `ExitError` (usage). */
export function clientPlace(): string {
  return clientFolder({ env: (name) => Deno.env.get(name), cwd: () => Deno.cwd() });
}

/** Whether a client has kept anything here. `args`: as for its commands. Throws `ExitError` (usage). */
export function isClientHere(args: readonly string[]): boolean {
  const at = args.indexOf("--home");
  const home = at < 0 ? undefined : args[at + 1];
  const folder = clientFolder({ env: (name) => Deno.env.get(name), cwd: () => Deno.cwd(), home });
  try {
    return Deno.statSync(folder).isDirectory;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** The grammar of the words after `client`, for completion. */
export function clientWord(): Word {
  const world = machine();
  try {
    return wordOf(buildProgram(world, parseServerAddress), "client");
  } finally {
    world.close();
  }
}

/** Runs `sealpost verify ARGS` and returns the exit code. Never throws. */
export function runVerify(args: readonly string[]): number {
  try {
    const out = (line: string) => void writeOut(`${line}\n`);
    quietly(verifyProgram((file, flags) => verifyFile(file, { ...flags, out })))
      .parse([...args], { from: "user" });
    return exitCodes.done;
  } catch (error) {
    const err = (line: string) => void writeErr(`${line}\n`);
    return reportFailure(error, { args, err, program: "verify" });
  }
}

const isHelp = (args: readonly string[]) => args.some((word) => word === "--help" || word === "-h");

/** Commander throws instead of exiting, in the program and all its commands. */
function quietly(program: Command, out?: (line: string) => void): Command {
  const writeHelp = out === undefined ? {} : { writeOut: (text: string) => out(text.trimEnd()) };
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ ...writeHelp, writeErr: () => undefined });
  }
  return program;
}

/** A mistyped command must not be looked for in the network as if it were a host. */
function refuseMistyped(words: readonly string[]): void {
  const [first, second] = words;
  if (first === undefined || (words.length === 2 && /^\d+$/.test(second ?? ""))) return;
  const name = meant(first, commandNames);
  if (name === undefined) return;
  throw new ExitError("usage", `There is no command ${safe(first, 40)}. Did you mean ${name}?`);
}

async function runInteractive(world: Machine, args: readonly string[]): Promise<number> {
  const command = quietly(addClientFlags(
    new Command("sealpost client").argument("[HOST]").argument("[PORT]").allowExcessArguments(),
    parseServerAddress,
  ));
  command.parse([...args], { from: "user" });
  const [host, port, ...more] = command.args;
  refuseMistyped(command.args);
  if (more.length > 0) {
    throw new ExitError(
      "usage",
      `There is no command ${safe(host ?? "", 40)} (sealpost client --help shows the commands)`,
    );
  }
  const flags = command.opts<ClientFlags>();
  const address = host === undefined
    ? flags.server
    : parseServerAddress(port === undefined ? host : joinAddress(host, port));
  const run = beginRun(world, address === undefined ? flags : { ...flags, server: address }, 0);
  const dialogue = world.dialogue() ?? new LineMode(world.input());
  return await converse({ ...run, world: { ...world, dialogue: () => dialogue } }, dialogue);
}

/** HOST and PORT as one text; an IPv6 address gets its brackets. */
function joinAddress(host: string, port: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function converse(run: Run, dialogue: Dialogue): Promise<number> {
  return await withEntrance(run, async (entrance) => {
    const engine = await untilAborted(
      run.signal,
      enterAccount(dialogue, entrance, {
        remember: run.flags.remember ?? false,
        ...(run.flags.user === undefined ? {} : { name: run.flags.user }),
      }),
    );
    if (engine === undefined) return dialogue.interactive ? exitCodes.done : exitCodes.notAllowed;
    const { name } = engine.self;
    // A script that sends one message has no use for it.
    const { Chat } = await import("./ui/chat.ts");
    const chat = new Chat({
      engine,
      dialogue,
      style: await chatStyle(run, dialogue),
      clock: run.world.clock,
      forget: () => entrance.forget(name),
      files: chatFiles(run),
      signal: run.signal,
    });
    try {
      return await untilAborted(run.signal, chat.run());
    } finally {
      await engine.stop({ drainMs: drainMs(run) });
    }
  });
}

/** With colours for names that can be read on what this terminal has behind its letters. */
async function chatStyle(run: Run, dialogue: Dialogue): Promise<LineStyle> {
  const style = styleOf(run);
  if (!style.styled || !dialogue.interactive) return style;
  const background = await dialogue.background() ??
    backgroundOfVariable(Deno.env.get("COLORFGBG"));
  return { ...style, palette: paletteFor(background) };
}

/** Where files of a chat go, and what may be sent. */
function chatFiles(run: Run) {
  const { folder, types } = run.world.fileChoices(run.flags.home);
  return {
    ...(types === undefined ? {} : { types }),
    folder: async () => {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    },
    expand: (path: string) => path.replace(/^~(?=\/|$)/, () => Deno.env.get("HOME") ?? "~"),
  };
}

/** How long leaving waits for queued messages, in ms: a script wants them sent, a person wants to leave. */
function drainMs(run: Run): number {
  return run.world.inputIsTerminal ? 2_000 : 30_000;
}

function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Where a failure is told. */
interface Report {
  readonly args: readonly string[];
  readonly err: (line: string) => void;
  /** The word after `sealpost`. */
  readonly program?: string;
}

function reportFailure(error: unknown, { args, err, program = "client" }: Report): number {
  const failure = error instanceof CommanderError
    ? misuse(error, helpOf(args, program))
    : failureOf(error);
  const silent: readonly number[] = [exitCodes.interrupted, exitCodes.terminated, exitCodes.done];
  if (silent.includes(failure.exit)) return failure.exit;
  const { message } = failure;
  err(args.includes("--json") ? jsonLine(errorJson(failure)) : `sealpost: ${safe(message, 1000)}`);
  return failure.exit;
}

/** Of what `--help` says more: of the command, where there is one. */
function helpOf(args: readonly string[], program: string): string {
  const word = program === "client" ? firstWord(args) : undefined;
  return commandNames.some((name) => name === word) ? `${program} ${word}` : program;
}

/** The world of this very process. */
interface Machine extends World {
  /** Standard input as bytes, when nothing has read it yet. */
  input(): ReadableStream<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

function machine(): Machine {
  const signals = listenToSignals();
  const inputIsTerminal = Deno.stdin.isTerminal();
  const outputIsTerminal = Deno.stdout.isTerminal();
  let terminal: Terminal | undefined;
  let dialogue: Dialogue | undefined;
  let lines: LineReader | undefined;
  return {
    clock: systemClock,
    signal: signals.signal,
    inputIsTerminal,
    outputIsTerminal,
    noColor: Deno.noColor,
    input: () => Deno.stdin.readable,
    nextInputLine: () => (lines ??= new LineReader(Deno.stdin.readable)).next(),
    nextInputBytes: (most) => (lines ??= new LineReader(Deno.stdin.readable)).bounded(most),
    restOfInput: () => restOf(lines),
    dialogue: () => {
      if (!inputIsTerminal || !outputIsTerminal) return undefined;
      if (Deno.env.get("TERM") === "dumb") return dialogue ??= new DumbTerminal(plainInput);
      return dialogue ??= new LineEditor(terminal = openTerminal());
    },
    shell: runShell,
    openEntrance,
    clientFolder: (home) =>
      clientFolder({ env: (name) => Deno.env.get(name), cwd: () => Deno.cwd(), home }),
    errorTerminal: () => {
      if (!Deno.stderr.isTerminal()) return undefined;
      return { columns: terminalColumns(), write: writeErr };
    },
    fileChoices: (home) =>
      readFileChoices({ env: (name) => Deno.env.get(name), cwd: Deno.cwd, home }),
    out: (line) => {
      if (writeOut(`${line}\n`)) return;
      const gone = new ExitError("done", "Nobody reads standard output any more.");
      signals.end(gone);
      throw gone;
    },
    err: (line) => writeErr(`${forTerminal(line)}\n`),
    close: async () => {
      await terminal?.answered();
      dialogue?.close();
      signals.close();
    },
  };
}

/** What is said to a person is cut between words. */
function forTerminal(line: string): string {
  if (!Deno.stderr.isTerminal() || line.startsWith("{")) return line;
  const columns = terminalColumns();
  return line.split("\n").flatMap((each) => wrappedWords(each, columns)).join("\n");
}

async function restOf(lines: LineReader | undefined): Promise<string> {
  if (lines === undefined) return await new Response(Deno.stdin.readable).text();
  const rest: string[] = [];
  for (;;) {
    const line = await lines.next();
    if (line === undefined) return rest.join("\n");
    rest.push(line);
  }
}

function listenToSignals(): {
  signal: AbortSignal;
  end: (reason: ExitError) => void;
  close: () => void;
} {
  const controller = new AbortController();
  const reasons = { SIGINT: "interrupted", SIGTERM: "terminated", SIGHUP: "terminated" } as const;
  const listeners = Object.entries(reasons).map(([name, reason]) => {
    const listener = () => controller.abort(new ExitError(reason, "Stopped by a signal."));
    Deno.addSignalListener(name as keyof typeof reasons, listener);
    return () => Deno.removeSignalListener(name as keyof typeof reasons, listener);
  });
  return {
    signal: controller.signal,
    end: (reason) => controller.abort(reason),
    close: () => listeners.forEach((remove) => remove()),
  };
}

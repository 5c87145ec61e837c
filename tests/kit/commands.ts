/** One-shot commands within the test's own process: what they print is collected, and no process is paid for. */
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import type { EngineEvent } from "../../client/engine/api.ts";
import { runOneShot } from "../../client/run.ts";
import type { World } from "../../client/commands/world.ts";
import { openEntrance } from "../../client/engine/entrance.ts";
import { runShell } from "../../client/shell.ts";
import { LineReader } from "../../client/ui/line_reader.ts";
import type { Ended } from "./program.ts";
import { recording } from "./recording.ts";

/** What a command gets beside its arguments. */
export interface CommandOptions {
  /** Stands for `--home`. */
  readonly home: string;
  /** Its standard input; empty when absent. */
  readonly input?: string | ReadableStream<Uint8Array>;
  /** Told each line of standard output as it comes; throwing closes it, as `| head` does. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Told which actions of the engine the command uses. */
  readonly onAction?: (action: string) => void;
  /** After which event the time of `--timeout` is up, in place of when the machine's clock says so. */
  readonly timeIsUp?: (event: EngineEvent) => boolean;
}

/** Runs `sealpost client ARGS` to its end. */
export async function command(args: readonly string[], options: CommandOptions): Promise<Ended> {
  const out: string[] = [];
  const err: string[] = [];
  const world = worldOf(options, { out, err });
  const home = args.includes("--home") ? [] : ["--home", options.home];
  // The program's own timers let a process end; here the test has to wait for them.
  const awake = setInterval(() => undefined, 60_000);
  try {
    // What stands after "--" is no flag.
    const end = args.includes("--") ? args.indexOf("--") : args.length;
    const code = await runOneShot(world, args.toSpliced(end, 0, ...home));
    return { code, out: out.join("\n"), err: err.join("\n") };
  } finally {
    clearInterval(awake);
  }
}

/** A command's limit of time, the only thing that it asks the clock of its world for; the test ends it. */
class TimeLimit {
  #actions: (() => void)[] = [];
  readonly clock: Clock = {
    ...systemClock,
    after: (_, action) => {
      this.#actions.push(action);
      return () => this.#actions = this.#actions.filter((one) => one !== action);
    },
  };

  /** What the event has led to comes first, as it would with a clock. */
  end(): void {
    const actions = this.#actions.splice(0);
    setTimeout(() => actions.forEach((action) => action()), 0);
  }
}

function worldOf(
  { home, input = "", onLine, onAction, timeIsUp, signal = new AbortController().signal }:
    CommandOptions,
  { out, err }: { readonly out: string[]; readonly err: string[] },
): World {
  const gone = new AbortController();
  const limit = new TimeLimit();
  const lines = new LineReader(typeof input === "string" ? new Blob([input]).stream() : input);
  return {
    clock: timeIsUp === undefined ? systemClock : limit.clock,
    signal: AbortSignal.any([signal, gone.signal]),
    inputIsTerminal: false,
    outputIsTerminal: false,
    noColor: true,
    nextInputLine: () => lines.next(),
    nextInputBytes: (most) => lines.bounded(most),
    restOfInput: async () => {
      const all: string[] = [];
      for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
        all.push(line);
      }
      return all.join("\n");
    },
    dialogue: () => undefined,
    clientFolder: () => `${home}/client`,
    shell: runShell,
    openEntrance: async (choice) => {
      const entrance = await openEntrance(choice);
      const login = entrance.login.bind(entrance);
      entrance.login = async (options) => {
        const engine = await login(options);
        if (timeIsUp !== undefined) {
          engine.subscribe((event) => timeIsUp(event) && limit.end());
        }
        return onAction === undefined ? engine : recording(engine, onAction);
      };
      return entrance;
    },
    errorTerminal: () => undefined,
    fileChoices: () => ({ folder: `${home}/downloads` }),
    out: (line) => {
      try {
        onLine?.(line);
      } catch (error) {
        gone.abort(error);
        throw error;
      }
      out.push(line);
    },
    err: (line) => err.push(line),
  };
}

/** As `command`; throws when the exit code is not 0. The lines of standard output, each read as JSON. */
export async function jsonOf(
  args: readonly string[],
  options: CommandOptions,
): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await command([...args, "--json"], options);
  if (code !== 0) throw new Error(`client ${args.join(" ")}: exit code ${code}\n${out}\n${err}`);
  return out === "" ? [] : out.split("\n").map((line) => JSON.parse(line));
}

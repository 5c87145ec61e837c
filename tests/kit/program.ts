/**
 * The program as a process: from source, or a bundle of it, with the permissions that the start scripts give, or, where
 * SEALPOST_BINARY names one, the compiled executable. What it prints is collected line by line, and tests wait for lines, never for time.
 */

import { costFlags } from "./cost.ts";

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** Longer than anything takes on a busy machine; only a failure waits for it. In ms. */
const patienceMs = 150_000;

/** What a process ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How the program is run. */
export interface ProgramOptions {
  /** Stands for its user's home (`HOME`), and everything that it keeps goes under it (`SEALPOST_HOME`). */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process is started. */
export interface StartOptions extends ProgramOptions {
  readonly cwd?: string;
  /** A file to run instead of the program itself, for example a start script; gets the arguments alone. */
  readonly file?: string;
  /** Nothing in its environment but `HOME` and `env`. */
  readonly bare?: boolean;
}

/** The program with these arguments, ready to be spawned: no input, output piped. */
export function sealpost(args: readonly string[], options: ProgramOptions): Deno.Command {
  return command(commandLine(args), { ...options, stdin: "null" });
}

/** The compiled executable that is to be used instead of the source. */
export function compiled(): string | undefined {
  return Deno.env.get("SEALPOST_BINARY") || undefined;
}

/** The words of a command line for these arguments; the first of them decides which permissions the program gets. */
export function commandLine(args: readonly string[]): string[] {
  const binary = compiled();
  if (binary !== undefined) return [binary, ...args];
  const flags = permissionFlags(args[0] === "server" || args[0] === "client" ? args[0] : "all");
  const always = ["--quiet", "--frozen", "--no-check", "--config", `${root}deno.json`];
  const config = [...always, ...costFlags()];
  return [Deno.execPath(), "run", ...config, ...flags, program(), ...args];
}

/** The program's main module: of the bundle of this run of the tests (scripts/test.ts), or the source itself. */
function program(): string {
  return Deno.env.get("SEALPOST_TEST_PROGRAM") || `${root}main.ts`;
}

function permissionFlags(who: string): string[] {
  const { stdout } = new Deno.Command("sh", { args: [`${root}scripts/flags.sh`, who] })
    .outputSync();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

function command(
  [file, ...args]: readonly string[],
  options: StartOptions & { readonly stdin: "null" | "piped" },
): Deno.Command {
  if (file === undefined) throw new TypeError("no program");
  return new Deno.Command(file, {
    args,
    clearEnv: true,
    env: environment(options, file),
    cwd: options.cwd ?? options.home,
    stdin: options.stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

/** A home of its own, and where Deno is needed its cache and the PATH; nothing else of this process's environment. */
function environment(options: StartOptions, file: string): Record<string, string> {
  const { home, env, bare } = options;
  if (bare === true) return { HOME: home, ...env };
  const own = { HOME: home, SEALPOST_HOME: home, ...env };
  if (file === compiled()) return own;
  const path = Deno.env.get("PATH");
  const deno = { DENO_DIR: denoFolder(), DENO_NO_UPDATE_CHECK: "1" };
  return { ...deno, ...(path === undefined ? {} : { PATH: path }), ...own };
}

/** Where Deno keeps packages: those are not to be fetched again for every home. */
function denoFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? ""}/.cache`;
  return Deno.env.get("DENO_DIR") ?? `${cache}/deno`;
}

/** The lines of one output stream, as they come. */
class Lines {
  readonly all: string[] = [];
  #partial = "";
  #ended = false;
  #waiters: (() => void)[] = [];

  /** Reads the stream to its end. */
  async collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair)) {
      const parts = (this.#partial + text).split("\n");
      this.#partial = parts.pop() ?? "";
      this.all.push(...parts);
      this.#wake();
    }
    if (this.#partial !== "") this.all.push(this.#partial);
    this.#ended = true;
    this.#wake();
  }

  /** The first line from number `after` on that fits; undefined when the stream ends without one. */
  async find(fits: (line: string) => boolean, after: number): Promise<string | undefined> {
    for (let at = after;; at++) {
      while (at >= this.all.length) {
        if (this.#ended) return undefined;
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
      const line = this.all[at];
      if (line !== undefined && fits(line)) return line;
    }
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

/** A moment in what a process has printed: waiting from here on sees later lines only. */
export interface Mark {
  readonly out: number;
  readonly err: number;
}

/** A running process; disposing of it ends it. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #out = new Lines();
  readonly #err = new Lines();
  /** Everything it printed and its exit code, once it has ended. */
  readonly ended: Promise<Ended>;
  #over = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.ended = this.#watch();
  }

  /** Starts the program with these arguments, its input an open pipe. */
  static start(args: readonly string[], options: StartOptions): Running {
    const line = options.file === undefined ? commandLine(args) : [options.file, ...args];
    return new Running(command(line, { ...options, stdin: "piped" }).spawn());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Everything that went to standard output so far. */
  get out(): readonly string[] {
    return this.#out.all;
  }

  /** Everything that went to standard error so far. */
  get err(): readonly string[] {
    return this.#err.all;
  }

  /** This moment. */
  mark(): Mark {
    return { out: this.#out.all.length, err: this.#err.all.length };
  }

  /** Writes lines to its input; returns the moment before. */
  async type(...lines: string[]): Promise<Mark> {
    const before = this.mark();
    await this.write(lines.map((line) => `${line}\n`).join(""));
    return before;
  }

  /** Writes text to its input as it is. */
  async write(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  /** Ends its input, as Ctrl-D does, and waits for its end. */
  async finish(): Promise<Ended> {
    await this.#input.close().catch(() => undefined);
    return await within(this.ended, () => this.#story("did not end at the end of its input"));
  }

  /** Sends a signal; one that has just ended by itself needs none. */
  kill(signal: Deno.Signal): void {
    if (this.#over) return;
    try {
      this.#child.kill(signal);
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown;
    }
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Ended> {
    this.kill(signal);
    return await within(this.ended, () => this.#story(`did not end after ${signal}`));
  }

  /** Waits for a line of standard output that fits; throws, with all that was printed, when none comes. */
  async waitForLine(pattern: RegExp | string, after?: Mark): Promise<string> {
    return await this.#wait(this.#out, pattern, after?.out ?? 0);
  }

  /** The same for standard error, where questions and remarks go. */
  async waitForRemark(pattern: RegExp | string, after?: Mark): Promise<string> {
    return await this.#wait(this.#err, pattern, after?.err ?? 0);
  }

  /** Resolves at the next line of standard error behind this moment. Throws, with all that was printed, at the end. */
  async nextRemark(after: Mark): Promise<void> {
    await this.#wait(this.#err, /^/, after.err);
  }

  async #wait(lines: Lines, pattern: RegExp | string, after: number): Promise<string> {
    const fits = (line: string) =>
      typeof pattern === "string" ? line.includes(pattern) : pattern.test(line);
    const complaint = () => this.#story(`printed no line like ${pattern}`);
    const found = await within(lines.find(fits, after), complaint);
    if (found === undefined) throw new Error(complaint());
    return found;
  }

  /** What happened, for the message of a failing test. */
  #story(complaint: string): string {
    const part = (name: string, lines: readonly string[]) =>
      `${name}:\n${lines.slice(-60).map((line) => `  | ${line}`).join("\n")}`;
    return [`the process ${complaint}`, part("standard output", this.out)]
      .concat(part("standard error", this.err)).join("\n");
  }

  async #watch(): Promise<Ended> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#out.collect(this.#child.stdout),
      this.#err.collect(this.#child.stderr),
    ]);
    this.#over = true;
    await this.#input.close().catch(() => undefined);
    return { code: status.code, out: this.out.join("\n"), err: this.err.join("\n") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
  }
}

async function within<T>(work: Promise<T>, complaint: () => string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(complaint())), patienceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Its input is closed once it has ended, or broken when it has just done so. */
function onlyEnded(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.BrokenPipe || thrown instanceof TypeError)) throw thrown;
}

/** Runs the program to its end with this input, none by default. */
export async function run(
  args: readonly string[],
  options: StartOptions & { readonly input?: string },
): Promise<Ended> {
  await using running = Running.start(args, options);
  // Who ends without reading it says in other ways what was wrong.
  if (options.input !== undefined) await running.write(options.input).catch(onlyEnded);
  return await running.finish();
}

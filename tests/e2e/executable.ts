/** The compiled executable, alone in an empty folder and with an empty environment. */

/** What `deno task compile` makes, or the file that SEALPOST_BINARY names. */
const compiled = Deno.env.get("SEALPOST_BINARY") ||
  decodeURIComponent(new URL("../../sealpost", import.meta.url).pathname);

/**
 * The path of the executable.
 * @throws Error when `deno task compile` has not been run
 */
export async function compiledProgram(): Promise<string> {
  const info = await Deno.stat(compiled).catch(() => undefined);
  if (!info?.isFile) throw new Error("There is no ./sealpost: run `deno task compile` first.");
  return compiled;
}

/** Longer than any command takes on a busy machine, in ms; one that does not end is killed then. */
const patienceMs = 120_000;

/** What a run ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder that holds nothing but a link to the executable. */
export class Empty implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  /**
   * Makes the folder.
   * @throws Error when `deno task compile` has not been run
   */
  static async make(): Promise<Empty> {
    const compiled = await compiledProgram();
    const empty = new Empty(await Deno.makeTempDir({ prefix: "sealpost-e2e-" }));
    await Deno.link(compiled, empty.program).catch(() => Deno.copyFile(compiled, empty.program));
    return empty;
  }

  /** Where the executable is. */
  get program(): string {
    return `${this.folder}/sealpost`;
  }

  /**
   * Runs the executable here to its end; the environment has nothing but what is given.
   * @throws Error when it does not end
   */
  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    const child = this.command(args, env).spawn();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, patienceMs);
    const { code, stdout, stderr } = await child.output();
    clearTimeout(timer);
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const ended = { code, out: text(stdout), err: text(stderr) };
    if (late) throw new Error(`${args.join(" ")} did not end:\n${ended.out}\n${ended.err}`);
    return ended;
  }

  /** Names of all that lies here beside the executable. */
  others(): string[] {
    const names = [...Deno.readDirSync(this.folder)].map(({ name }) => name);
    return names.filter((name) => name !== "sealpost");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  private command(args: readonly string[], env: Record<string, string>): Deno.Command {
    return new Deno.Command(this.program, {
      args: [...args],
      cwd: this.folder,
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }
}

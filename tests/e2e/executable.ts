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

  /** Starts the executable here; the environment has nothing but what is given. */
  start(args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
    return this.command(args, env).spawn();
  }

  /** Runs the executable here to its end. */
  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    const { code, stdout, stderr } = await this.command(args, env).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
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

/** A program at a pseudo-terminal without a native module: `script` of util-linux holds the terminal, pipes reach it. */

/** A running program, what it writes to its terminal, and keys for it. */
export class Pty implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #over: Promise<void>;
  #listener: (text: string) => void = () => undefined;

  /** Runs a line of the shell at a terminal of this size, with this environment and PATH. */
  constructor(line: string, how: { columns: number; rows: number; env: Record<string, string> }) {
    const command = `stty cols ${how.columns} rows ${how.rows}; exec ${line}`;
    this.#child = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        SHELL: "/bin/sh",
        TERM: "xterm-256color",
        ...how.env,
      },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#over = this.#listen();
  }

  /** Sends keys. */
  async press(keys: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(keys));
  }

  /** Calls `listener`, instead of the one before, with all that is written from now on. */
  onOutput(listener: (text: string) => void): void {
    this.#listener = listener;
  }

  /** Resolves with the moment (`performance.now()`) at which `text` has been written from now on. */
  writes(text: string): Promise<number> {
    let tail = "";
    return new Promise((resolve) => {
      this.onOutput((more) => {
        tail += more;
        if (tail.includes(text)) resolve(performance.now());
        else tail = tail.slice(-text.length);
      });
    });
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) {
      this.#listener(decoder.decode(bytes, { stream: true }));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Asked politely, `script` waits for its program; without it the terminal is gone and the program ends by itself.
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#over;
    await this.#input.close().catch(() => undefined);
  }
}

/**
 * A real pseudo-terminal with a screen, played by tmux in its control mode: what is typed goes in as keys, what the
 * program writes comes as events, and the screen can be looked at as a person would see it.
 */

/** Longer than anything takes on a busy machine, in ms. */
const patienceMs = 60_000;

/** Between two looks at a size of which nobody tells, in ms. */
const lookMs = 10;

/** One terminal with a shell in it that has nothing in its environment but HOME, TERM, PATH and LANG. */
export class Terminal implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #socket: string;
  readonly #over: Promise<void>;
  /** Everything that was written to the terminal so far, byte for byte. */
  written = "";
  #answers: { lines: string[]; settle: (answer: { ok: boolean; lines: string[] }) => void }[] = [];
  #waiters: (() => void)[] = [];
  #ended = false;

  private constructor(readonly home: string, child: Deno.ChildProcess) {
    this.#socket = `${home}/tmux.socket`;
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#over = this.#listen();
  }

  /**
   * Whether all of the last thing that a chat has painted is on the screen: it writes a painting at once, between the marks of
   * synchronized output, but a terminal may read it in pieces, and the first of them may show a line without what is below it.
   */
  get whole(): boolean {
    return this.written.endsWith("\x1b[?2026l");
  }

  /** Opens a terminal of this size with a shell in folder `home`. */
  static async open(home: string, size = { columns: 80, rows: 24 }): Promise<Terminal> {
    const socket = `${home}/tmux.socket`;
    const shell = `env -i HOME='${home}' PATH="$PATH" TERM="$TERM" LANG=C.UTF-8 PS1='$ ' sh`;
    const command = new Deno.Command("tmux", {
      args: ["-u", "-S", socket, "-f", "/dev/null", "-C", "new-session", "-c", home]
        .concat("-x", `${size.columns}`, "-y", `${size.rows}`, shell),
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: home,
        TERM: "xterm-256color",
        LANG: "C.UTF-8",
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    });
    const terminal = new Terminal(home, command.spawn());
    await terminal.#answer();
    // Whatever ends this process ends the terminal too.
    await terminal.#tell("set-option -g destroy-unattached on");
    await terminal.resize(size);
    await terminal.shows(/\$/);
    return terminal;
  }

  /** Types text, key by key. */
  async type(text: string): Promise<void> {
    await this.#tell(`send-keys -l -- ${quoted(text)}`);
  }

  /** Types a line and Enter. */
  async enter(line: string): Promise<void> {
    if (line !== "") await this.type(line);
    await this.press("Enter");
  }

  /** Presses keys by their tmux names: `Enter`, `C-d`, `Up`, `BSpace`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tell(`send-keys ${keys.join(" ")}`);
  }

  /** Pastes text as a terminal does: in brackets where the program asked for them. */
  async paste(text: string): Promise<void> {
    // Control mode reads one line for each command, so the text goes by a file.
    const file = `${this.#socket}.paste`;
    await Deno.writeTextFile(file, text);
    await this.#tell(`load-buffer -b pasted ${quoted(file)}`);
    await this.#tell("paste-buffer -p -r -d -b pasted");
  }

  /** Gives the window another size: its lines are wrapped at once, and the program in it is told some time later. */
  async wrap({ columns, rows }: { columns: number; rows: number }): Promise<void> {
    await this.#tell(`resize-window -x ${columns} -y ${rows}`);
  }

  /** Gives the window another size; resolves when the program in it can know. */
  async resize({ columns, rows }: { columns: number; rows: number }): Promise<void> {
    await this.wrap({ columns, rows });
    // tmux tells the program only every quarter of a second.
    const tty = await this.fact("#{pane_tty}");
    for (;;) {
      const args = ["-F", tty, "size"];
      const { stdout } = await new Deno.Command("stty", { args, stderr: "null" }).output();
      if (new TextDecoder().decode(stdout).trim() === `${rows} ${columns}`) return;
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  /** Closes the terminal under whatever runs in it, which gets SIGHUP; a fresh shell takes its place. */
  async hangUp(): Promise<void> {
    await this.#tell("set-option -g remain-on-exit on");
    await this.#tell("respawn-pane -k sh");
  }

  /** The rows of the screen, without spaces at their ends. */
  async screen(): Promise<string[]> {
    return await this.#tell("capture-pane -p");
  }

  /** Scrollback and screen, wrapped lines joined. */
  async scrollback(): Promise<string[]> {
    return await this.#tell("capture-pane -p -J -S -");
  }

  /** Where the cursor stands on the screen, counted from 0. */
  async cursor(): Promise<{ row: number; column: number }> {
    const [row, column] = (await this.fact("#{cursor_y} #{cursor_x}")).split(" ").map(Number);
    return { row: row ?? NaN, column: column ?? NaN };
  }

  /** A format of tmux, for example `#{cursor_flag}`. */
  async fact(format: string): Promise<string> {
    return (await this.#tell(`display-message -p ${quoted(format)}`)).join("\n");
  }

  /** Waits until some row of the screen fits; that row. Throws with the screen when none comes. */
  async shows(pattern: RegExp | string): Promise<string> {
    return await this.waitFor(
      (rows) =>
        rows.findLast((row) =>
          typeof pattern === "string" ? row.includes(pattern) : pattern.test(row)
        ),
      `show ${pattern}`,
    );
  }

  /** Waits until `look` finds something on the screen. */
  async waitFor<T>(
    look: (rows: string[]) => T | undefined | Promise<T | undefined>,
    what = "fit",
  ): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, patienceMs);
    try {
      for (;;) {
        // Listens from before the look, so that nothing written after it is missed.
        const news = new Promise<void>((resolve) => this.#waiters.push(resolve));
        const rows = await this.screen();
        const found = await look(rows);
        if (found !== undefined) return found;
        if (late) throw new Error(`the screen did not ${what}:\n${framed(rows)}`);
        await news;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Runs a tmux command and returns what it printed. */
  async #tell(command: string): Promise<string[]> {
    const answer = this.#answer();
    await this.#input.write(new TextEncoder().encode(`${command}\n`));
    const { ok, lines } = await answer;
    if (!ok) throw new Error(`tmux ${command}: ${lines.join(" ")}`);
    return lines;
  }

  #answer(): Promise<{ ok: boolean; lines: string[] }> {
    return new Promise((settle) => {
      if (this.#ended) settle({ ok: false, lines: ["the terminal has ended"] });
      else this.#answers.push({ lines: [], settle });
    });
  }

  async #listen(): Promise<void> {
    let rest = "";
    let inside = false;
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) inside = this.#take(line, inside);
    }
    this.#ended = true;
    const lines = ["the terminal has ended"];
    for (const { settle } of this.#answers.splice(0)) settle({ ok: false, lines });
    this.#wake();
  }

  /** One line of control mode; whether the next one belongs to an answer. */
  #take(line: string, inside: boolean): boolean {
    if (!inside && line.startsWith("%begin ")) return true;
    if (inside && /^%(end|error) /.test(line)) {
      const answer = this.#answers.shift();
      answer?.settle({ ok: line.startsWith("%end "), lines: answer.lines });
      return false;
    }
    if (inside) this.#answers[0]?.lines.push(line);
    else if (line.startsWith("%output ")) this.#output(line);
    return inside;
  }

  #output(line: string): void {
    const escaped = line.replace(/^%output %\d+ /, "");
    this.written += escaped.replace(
      /\\([0-7]{3})/g,
      (_, octal) => String.fromCharCode(parseInt(octal, 8)),
    );
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const args = ["-S", this.#socket, "kill-server"];
    await new Deno.Command("tmux", { args, stderr: "null" }).output();
    await this.#child.status;
    await this.#over;
    await this.#input.close().catch(() => undefined);
  }
}

/** A word for tmux's own command line. */
function quoted(text: string): string {
  return `"${text.replace(/["\\$;]/g, "\\$&")}"`;
}

function framed(rows: readonly string[]): string {
  return rows.map((row) => `  | ${row}`).join("\n");
}

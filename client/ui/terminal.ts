/** The terminal itself: raw mode, size, bytes in, text out. The only file of the interface that touches Deno. */
import { type Key, KeyReader } from "./keys.ts";
import { type Background, type Measure, Questions, type Reflow } from "./questions.ts";

/** A terminal in raw mode, as the line editor needs it. */
export interface Terminal {
  size(): { columns: number; rows: number };
  write(text: string): void;
  /** Keys as they come; ends at end of input or when closed. */
  keys(): AsyncIterable<readonly Key[]>;
  /**
   * Runs `action` when keys that are there already have been handled: what happens meanwhile is painted together. With
   * `more` there is enough to paint already, and only the keys come first.
   */
  soon(action: () => void, options?: { readonly more: boolean }): void;
  /** What a resize does to rows that have become too long. */
  reflow(): Reflow;
  /**
   * A question to be written among other things, and how many columns the terminal has when it comes to it; undefined when
   * this terminal does not tell.
   */
  measure(): Measure | undefined;
  /** Whether letters stand on something dark or light; undefined when the terminal does not say. */
  background(): Promise<Background | undefined>;
  onResize(listener: () => void): void;
  /** Called when the process goes on after a stop; what is on the screen then is not known. */
  onResume(listener: () => void): void;
  /** Puts the terminal back and stops the process and its job, until somebody says `fg`. */
  suspend(): void;
  /** Resolves when the terminal has answered what it was asked, or does not: closed before, it would answer the shell. */
  answered(): Promise<void>;
  close(): void;
}

const encoder = new TextEncoder();

/** How long what has changed waits for more of it, in ms: a frame of a screen, so that nobody sees it. */
const frameMs = 8;

/** How long an escape may wait for the rest of its sequence before it counts as the Escape key, in ms. */
const escapeMs = 50;

/** Writes all of `text` to standard output. False when the pipe or terminal has gone: nobody will ever read it. */
export function writeOut(text: string): boolean {
  return writeAll(Deno.stdout, text);
}

/** Writes all of `text` to standard error. */
export function writeErr(text: string): void {
  writeAll(Deno.stderr, text);
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): boolean {
  const bytes = encoder.encode(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += stream.writeSync(bytes.subarray(written));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe || hungUp(error)) return false;
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
  }
  return true;
}

/** A terminal that was closed answers with EIO, for which Deno has no class of its own. */
function hungUp(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EIO";
}

const enter = "\x1b[?2004h";
const leave = "\x1b[?2004l\x1b[?25h\x1b[?7h";

/** Puts the controlling terminal into raw mode until it is closed, however the program ends. */
export function openTerminal(): Terminal {
  const resized: (() => void)[] = [];
  const resumed: (() => void)[] = [];
  const questions = new Questions(writeOut);
  let closed = false;
  let suspended = false;
  let last = consoleSize();
  const checkSize = () => {
    const now = consoleSize();
    if (now.columns === last.columns && now.rows === last.rows) return;
    last = now;
    for (const listener of resized) listener();
  };
  const goOn = () => {
    // After Ctrl-Z everything is in place again already.
    if (suspended) return void (suspended = false);
    begin();
    for (const listener of resumed) listener();
  };
  const close = () => {
    if (closed) return;
    closed = true;
    Deno.removeSignalListener("SIGWINCH", checkSize);
    Deno.removeSignalListener("SIGCONT", goOn);
    for (const event of endings) globalThis.removeEventListener(event, close);
    finish();
  };
  begin();
  questions.begin();
  Deno.addSignalListener("SIGWINCH", checkSize);
  Deno.addSignalListener("SIGCONT", goOn);
  for (const event of endings) globalThis.addEventListener(event, close);
  return {
    size: () => {
      checkSize();
      return last;
    },
    write: writeOut,
    soon: (action, { more } = { more: false }) => void setTimeout(action, more ? 0 : frameMs),
    reflow: () => questions.reflow,
    measure: () => questions.measure(),
    background: () => questions.background(),
    answered: () => questions.answered(),
    keys: () => readKeys(questions, () => closed),
    onResize: (listener) => resized.push(listener),
    onResume: (listener) => resumed.push(listener),
    suspend: () => {
      finish();
      suspended = stopJob();
      begin();
    },
    close,
  };
}

/** Everything after which no more JavaScript runs: the end, and a failure that nobody caught. */
const endings = ["unload", "error", "unhandledrejection"] as const;

function begin(): void {
  setRaw(true);
  writeOut(enter);
}

function finish(): void {
  writeOut(leave);
  setRaw(false);
}

function setRaw(raw: boolean): void {
  try {
    Deno.stdin.setRaw(raw);
  } catch (error) {
    // A terminal that was closed has no mode to go back to.
    if (!hungUp(error)) throw error;
  }
}

/**
 * Stops this process and everything else of its job, as Ctrl-Z does in a program that leaves it to the terminal; returns
 * when somebody let it go on. A signal from the terminal would stop it before the terminal is put back, and signals
 * to oneself need the right to run anything; the one shell that may be run can do it. Where no shell could let it go on
 * (an orphaned process group, POSIX.1-2017 section 11.1.4) the system ignores the signal, and this returns at once.
 * False when the signal could not be sent.
 */
function stopJob(): boolean {
  try {
    const args = ["-c", "kill -TSTP 0"];
    const stop = new Deno.Command("/bin/sh", {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    return stop.outputSync().success;
  } catch (error) {
    // Without that shell, or without the right to run it, the chat goes on.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      return false;
    }
    throw error;
  }
}

/** The terminal as it is without raw mode, for one that knows no escape sequences. */
export const plainInput = {
  read: async (): Promise<Uint8Array | undefined> => {
    const buffer = new Uint8Array(4096);
    const got = await Deno.stdin.read(buffer);
    return got === null ? undefined : buffer.subarray(0, got);
  },
  write: writeOut,
  echo: (on: boolean) => setRaw(!on),
};

/** Columns of the terminal, or the usual number. */
export function terminalColumns(): number {
  return consoleSize().columns;
}

function consoleSize(): { columns: number; rows: number } {
  try {
    const size = Deno.consoleSize();
    return size.columns > 0 && size.rows > 0 ? size : { columns: 80, rows: 24 };
  } catch (error) {
    // A terminal without a size (some serial lines and emulators) is treated as the usual one.
    if (error instanceof Error) return { columns: 80, rows: 24 };
    throw error;
  }
}

async function* readKeys(
  questions: Questions,
  closed: () => boolean,
): AsyncGenerator<readonly Key[]> {
  const reader = new KeyReader();
  const buffer = new Uint8Array(4096);
  let pending = Deno.stdin.read(buffer);
  try {
    while (!closed()) {
      const got = reader.waiting ? await withTimeout(pending, escapeMs) : await pending;
      if (got === "timeout") {
        yield reader.flush();
        continue;
      }
      if (got === null) return;
      const keys = reader.push(buffer.subarray(0, got)).filter((key) => !questions.answer(key));
      pending = Deno.stdin.read(buffer);
      if (keys.length > 0) yield keys;
    }
  } finally {
    questions.end();
  }
}

function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T | "timeout"> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve("timeout"), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

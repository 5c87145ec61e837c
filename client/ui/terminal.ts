/** The terminal itself: raw mode, size, bytes in, text out. The only file of the interface that touches Deno. */
import { type Key, KeyReader } from "./keys.ts";

/** A terminal in raw mode, as the line editor needs it. */
export interface Terminal {
  size(): { columns: number; rows: number };
  write(text: string): void;
  /** Keys as they come; ends at end of input or when closed. */
  keys(): AsyncIterable<readonly Key[]>;
  onResize(listener: () => void): void;
  close(): void;
}

const encoder = new TextEncoder();

/** How long an escape may wait for the rest of its sequence before it counts as the Escape key, in ms. */
const escapeMs = 50;

/** Writes all of `text` to standard output. A pipe whose reader has gone is treated as done. */
export function writeOut(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Writes all of `text` to standard error. */
export function writeErr(text: string): void {
  writeAll(Deno.stderr, text);
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += stream.writeSync(bytes.subarray(written));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) return;
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
  }
}

const enter = "\x1b[?2004h";
const leave = "\x1b[?2004l\x1b[?25h";

/** Puts the controlling terminal into raw mode until it is closed. */
export function openTerminal(): Terminal {
  const listeners: (() => void)[] = [];
  let closed = false;
  let last = consoleSize();
  const checkSize = () => {
    const now = consoleSize();
    if (now.columns === last.columns && now.rows === last.rows) return;
    last = now;
    for (const listener of listeners) listener();
  };
  const close = () => {
    if (closed) return;
    closed = true;
    Deno.removeSignalListener("SIGWINCH", checkSize);
    globalThis.removeEventListener("unload", close);
    writeOut(leave);
    Deno.stdin.setRaw(false);
  };
  Deno.stdin.setRaw(true);
  writeOut(enter);
  Deno.addSignalListener("SIGWINCH", checkSize);
  globalThis.addEventListener("unload", close);
  return {
    size: () => {
      checkSize();
      return last;
    },
    write: writeOut,
    keys: () => readKeys(() => closed),
    onResize: (listener) => listeners.push(listener),
    close,
  };
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

async function* readKeys(closed: () => boolean): AsyncGenerator<readonly Key[]> {
  const reader = new KeyReader();
  const buffer = new Uint8Array(4096);
  let pending = Deno.stdin.read(buffer);
  while (!closed()) {
    const got = reader.waiting ? await withTimeout(pending, escapeMs) : await pending;
    if (got === "timeout") {
      yield reader.flush();
      continue;
    }
    if (got === null) return;
    const keys = reader.push(buffer.subarray(0, got));
    pending = Deno.stdin.read(buffer);
    if (keys.length > 0) yield keys;
  }
}

function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T | "timeout"> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve("timeout"), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

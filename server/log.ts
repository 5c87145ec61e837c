/**
 * The server's log: JSON lines in `server.log` in the data folder, rotated, and readable lines on standard error. What
 * may be logged is decided by the type of the fields; texts from others lose everything that could drive a terminal.
 */
import { getRotatingFileSink } from "@logtape/file";
import type { LogRecord, Sink } from "@logtape/logtape";
import type { LogFields, Logger, LogLevel } from "../lib/base/log.ts";
import { sanitizeLine } from "../lib/base/sanitize.ts";

/** Bytes of one log file, and how many older ones are kept. */
const rotation = { maxSize: 10 * 1024 * 1024, maxFiles: 5 };

/** Characters of one logged text. */
const longestText = 512;

const order: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/** A log that is open. */
export interface ServerLog extends Logger {
  /** Lines that were logged, by level. */
  readonly lines: Readonly<Record<LogLevel, number>>;
  /** Another least level holds from now on. */
  setLevel(level: LogLevel): void;
  close(): void;
}

/** Where to log. */
export interface LogOptions {
  /** The data folder. */
  readonly folder: string;
  /** The least level that is written. */
  readonly level: LogLevel;
  /** Takes a line for the console. */
  readonly console: (line: string) => void;
}

/** Opens the log. Throws what opening the file throws. */
export function openLog(options: LogOptions): ServerLog {
  const sink = getRotatingFileSink(`${options.folder}/server.log`, {
    ...rotation,
    // Every line at once: the last lines before a crash are the ones that matter.
    bufferSize: 1,
    formatter: jsonLine,
  });
  let least = order.indexOf(options.level);
  const lines: Record<LogLevel, number> = { debug: 0, info: 0, warning: 0, error: 0 };
  return {
    lines,
    log(level, event, fields = {}) {
      if (order.indexOf(level) < least) return;
      lines[level]++;
      const record = logRecord(level, event, fields);
      writeSafely(sink, record, options.console);
      options.console(consoleLine(record));
    },
    setLevel(level) {
      least = order.indexOf(level);
    },
    close: () => sink[Symbol.dispose](),
  };
}

/** A full disk must not end the server by way of its log. */
function writeSafely(sink: Sink, record: LogRecord, console: LogOptions["console"]): void {
  try {
    sink(record);
  } catch (thrown) {
    console(`the log cannot be written: ${sanitizeLine(String(thrown), longestText)}`);
  }
}

function logRecord(level: LogLevel, event: string, fields: LogFields): LogRecord {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return {
    category: ["sealpost"],
    level,
    message: [event],
    rawMessage: event,
    timestamp: Date.now(),
    properties: Object.fromEntries(entries.map(([name, value]) => [name, printable(value)])),
  };
}

function printable(value: LogFields[string]): string | number | boolean | undefined {
  return typeof value === "string" ? sanitizeLine(value, longestText) : value;
}

function jsonLine({ timestamp, level, rawMessage, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString();
  return `${JSON.stringify({ time, level, event: rawMessage, ...properties })}\n`;
}

function consoleLine({ timestamp, level, rawMessage, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString().slice(0, 19).replace("T", " ");
  const facts = Object.entries(properties).map(([name, value]) => ` ${name}=${quoted(value)}`);
  return `${time} ${level.padEnd(7)} ${String(rawMessage).replaceAll("_", " ")}${facts.join("")}`;
}

function quoted(value: unknown): string {
  const text = String(value);
  return /^[\w.:/@-]+$/.test(text) ? text : JSON.stringify(text);
}

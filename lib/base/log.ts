/** The logger that code is handed. What it takes are names and numbers, never secrets: there is no free-form object. */

/** Severity, least first. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** Facts of one event: flat, printable values only, so that no key or message object slips in by accident. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one event. `event` is a short fixed phrase in snake_case; everything variable goes into `fields`. */
export interface Logger {
  log(level: LogLevel, event: string, fields?: LogFields): void;
}

/** A logger that forgets everything. */
export const silentLogger: Logger = { log: () => undefined };

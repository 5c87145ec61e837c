/** The schemas of what more than one part of the program prints with `--json`. */
import Type from "typebox";
import { count, line, maybe, oneOf, text } from "./json_schema.ts";

/** One thing that a doctor has looked at, the server's or the client's. */
export const finding = line("finding", "One thing that doctor has looked at", {
  check: Type.String({ description: "what was looked at: more may come" }),
  level: oneOf("ok", "warn", "fail", "skip"),
  text,
  advice: maybe(text),
  exit: maybe(Type.Integer({ description: "the exit code that it leads to" })),
});

/** What `sealpost paths` answers. */
export const paths = line("paths", "Where everything is kept", {
  serverData: text,
  serverConfig: text,
  client: text,
});

/** What `sealpost version` answers. */
export const version = line("version", "The version of the program", { version: text });

/** An error, on standard error. */
export const error = line("error", "Why a command failed; on standard error", {
  code: text,
  message: text,
  exit: Type.Integer({ minimum: 1, maximum: 255 }),
  retryAfterMs: maybe(count),
});

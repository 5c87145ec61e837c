/** `sealpost server health`: whether a server serves, found out as a client and as its operator at once. */
import { AppError } from "../lib/base/errors.ts";
import { exitCodes, ExitError } from "../lib/base/exit_codes.ts";
import { typedLine } from "../lib/base/json_line.ts";
import { fingerprintHex } from "../lib/crypto/fingerprint.ts";
import { firstContact } from "../lib/wire/first_contact.ts";
import { RunningServer } from "./admin/ask.ts";

/** Where to look. */
export interface HealthWorld {
  /** The data folder. */
  readonly folder: string;
  readonly json: boolean;
  /** For everything together. */
  readonly timeoutMs: number;
  readonly print: (line: string) => void;
}

/** What was found: `ok`, or the first thing that is wrong. */
export interface Health {
  readonly ok: boolean;
  readonly text: string;
  /** From the first connection to the end of the greeting, in milliseconds. */
  readonly ms?: number;
}

/** Prints one line; returns 0 when all is well, else 1. */
export async function runHealth(world: HealthWorld): Promise<number> {
  const health = await healthOf(world);
  world.print(
    world.json ? typedLine("health", health) : `${health.ok ? "ok" : "not well"}: ${health.text}`,
  );
  return health.ok ? exitCodes.done : exitCodes.failed;
}

/** Looks. Never rejects for what is wrong with the server. */
export async function healthOf(
  { folder, timeoutMs }: Pick<HealthWorld, "folder" | "timeoutMs">,
): Promise<Health> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const text = `no answer within ${timeoutMs / 1000} s; its log may say why`;
    late.reject(new ExitError("failed", text));
  }, timeoutMs);
  try {
    return await Promise.race([look(folder, timeoutMs), late.promise]);
  } catch (thrown) {
    if (thrown instanceof ExitError || thrown instanceof AppError) {
      return { ok: false, text: thrown.message };
    }
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}

/** The supervisor and the storage side answer on the admin socket, the network side on the port. */
async function look(folder: string, timeoutMs: number): Promise<Health> {
  using server = await RunningServer.connect(folder);
  const status = await server.ask("status", {});
  const began = performance.now();
  const { identity } = await firstContact({
    host: "127.0.0.1",
    port: status.port,
    connectMs: timeoutMs,
  });
  const ms = Math.round(performance.now() - began);
  if (fingerprintHex(identity) !== status.fingerprint) {
    return { ok: false, text: `another server answers on port ${status.port}` };
  }
  return { ok: true, text: `serves on port ${status.port}, greeted in ${ms} ms`, ms };
}

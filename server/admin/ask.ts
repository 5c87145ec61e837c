/** The operator's side of the admin socket. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import { adminLimits } from "../../lib/base/limits.ts";
import { LineReader, writeLine } from "./lines.ts";
import { findSocket } from "./place.ts";
import {
  type AdminAction,
  type AdminInput,
  type AdminOutput,
  readAnswer,
  requestLine,
} from "./protocol.ts";

/** A conversation with the server that runs on a data folder. Use with `using`. */
export class RunningServer implements Disposable {
  readonly #folder: string;
  readonly #connection: Deno.UnixConn;
  readonly #lines: LineReader;

  private constructor(folder: string, connection: Deno.UnixConn) {
    this.#folder = folder;
    this.#connection = connection;
    this.#lines = new LineReader(connection);
  }

  /** Undefined when no server runs there. Throws `ExitError` (localData) when the socket may not be used. */
  static async find(folder: string): Promise<RunningServer | undefined> {
    try {
      const path = findSocket(folder);
      return new RunningServer(folder, await Deno.connect({ transport: "unix", path }));
    } catch (cause) {
      if (isNobody(cause)) return undefined;
      const why = cause instanceof Deno.errors.PermissionDenied
        ? "it belongs to another user: run this as the user whose server it is"
        : String(cause).replace(/\s*\n[\s\S]*/, "");
      throw new ExitError("localData", `the server of ${folder} cannot be asked: ${why}`, {
        cause,
      });
    }
  }

  /** The same; throws `ExitError` (network) when no server runs there. */
  static async connect(folder: string): Promise<RunningServer> {
    const found = await RunningServer.find(folder);
    if (found !== undefined) return found;
    throw new ExitError(
      "network",
      `no server is running on ${folder}: start it with \`sealpost server\`, or name its folder with --data or --home`,
    );
  }

  /** Asks and waits. Throws `ExitError`: what the server refuses, or network when it ends meanwhile. */
  async ask<A extends AdminAction>(action: A, input: AdminInput<A>): Promise<AdminOutput<A>> {
    try {
      await writeLine(this.#connection, requestLine(action, input));
      const line = await this.#within(this.#lines.next());
      if (line !== undefined) return readAnswer<A>(line);
    } catch (thrown) {
      if (thrown instanceof ExitError) throw thrown;
    }
    throw new ExitError("network", `the server of ${this.#folder} ended before it answered`);
  }

  /** Resolves when the server has ended. Throws `ExitError` (failed) when that takes too long. */
  async ended(): Promise<void> {
    await this.#within(this.#lines.next().catch(() => undefined));
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const text = `the server of ${this.#folder} does not answer; its log may say why`;
      timer = setTimeout(() => reject(new ExitError("failed", text)), adminLimits.answerMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** No socket, one that a killed server left, or not even a folder. */
function isNobody(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.NotFound ||
    thrown instanceof Deno.errors.ConnectionRefused ||
    thrown instanceof Deno.errors.NotADirectory;
}

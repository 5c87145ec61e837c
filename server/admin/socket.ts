/**
 * The admin socket of a running server: whoever may open the data folder's socket is its operator. The file system's
 * rights are the only key: the folder is 0700, the socket 0600.
 */
import { ExitError } from "../../lib/base/exit_codes.ts";
import { adminLimits } from "../../lib/base/limits.ts";
import type { Logger } from "../../lib/base/log.ts";
import { LineReader, writeLine } from "./lines.ts";
import { placeSocket, removeSocket } from "./place.ts";
import { type AdminHandlers, answerLine, readRequest, refusalLine } from "./protocol.ts";

/** What a socket is opened with. */
export interface AdminSocketOptions {
  /** The data folder; its lock is held by this process. */
  readonly folder: string;
  readonly handlers: AdminHandlers;
  readonly logger: Logger;
}

/** A listening socket. */
export class AdminSocket {
  readonly #options: AdminSocketOptions;
  readonly #listener: Deno.Listener<Deno.UnixConn, Deno.UnixAddr>;
  readonly #open = new Set<Deno.UnixConn>();
  #closed = false;

  /** Listens. A socket that a killed server left is replaced. Throws `ExitError` (localData). */
  constructor(options: AdminSocketOptions) {
    this.#options = options;
    this.#listener = listen(options.folder);
    void this.#acceptAll();
  }

  /** Ends all conversations and removes the socket. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const connection of [...this.#open]) this.#end(connection);
    removeSocket(this.#options.folder);
  }

  async #acceptAll(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#take(await this.#listener.accept());
      } catch (thrown) {
        if (this.#closed) return;
        this.#options.logger.log("error", "admin_accept_failed", { cause: String(thrown) });
        return;
      }
    }
  }

  #take(connection: Deno.UnixConn): void {
    if (this.#open.size >= adminLimits.connections) return connection.close();
    this.#open.add(connection);
    void this.#serve(connection).finally(() => this.#end(connection));
  }

  #end(connection: Deno.UnixConn): void {
    if (this.#open.delete(connection)) connection.close();
  }

  /** Answers one request after another. Never rejects: an operator who goes away is no trouble of the server's. */
  async #serve(connection: Deno.UnixConn): Promise<void> {
    const lines = new LineReader(connection);
    try {
      for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
        await writeLine(connection, await this.#answer(line));
      }
    } catch (thrown) {
      this.#options.logger.log("debug", "admin_connection_ended", { cause: String(thrown) });
    }
  }

  async #answer(line: string): Promise<string> {
    try {
      const { action, input } = readRequest(line);
      this.#options.logger.log("info", "admin_request", { action });
      return answerLine(await this.#perform(action, input));
    } catch (thrown) {
      if (!(thrown instanceof ExitError)) {
        const cause = thrown instanceof Error ? thrown.cause ?? thrown : thrown;
        this.#options.logger.log("error", "admin_request_failed", { cause: String(cause) });
      }
      return refusalLine(thrown);
    }
  }

  #perform(action: string, input: object): Promise<object> {
    const { handlers } = this.#options;
    if (!isAction(handlers, action)) {
      throw new ExitError("version", `the running server does not know "${action}": it is older`);
    }
    // The handlers look at what they are given themselves.
    return handlers[action](input as never);
  }
}

function isAction(handlers: AdminHandlers, action: string): action is keyof AdminHandlers {
  return Object.hasOwn(handlers, action);
}

function listen(folder: string): Deno.Listener<Deno.UnixConn, Deno.UnixAddr> {
  try {
    const path = placeSocket(folder);
    const listener = Deno.listen({ transport: "unix", path });
    Deno.chmodSync(path, 0o600);
    return listener;
  } catch (cause) {
    const text = String(cause).replace(/\s*\n[\s\S]*/, "");
    throw new ExitError("localData", `the admin socket in ${folder} cannot be made: ${text}`, {
      cause,
    });
  }
}

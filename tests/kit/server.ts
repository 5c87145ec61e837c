/** A real server process, in a folder of its own, on a free port. */
import { firstContact } from "../../lib/wire/first_contact.ts";
import type { DialOptions, PinnedServer } from "../../lib/wire/tls.ts";
import { type Ended, Running, type StartOptions } from "./program.ts";

/** The line that a server prints with `--json` once it listens. */
export interface Ready {
  readonly event: "ready";
  readonly port: number;
  readonly addresses: readonly string[];
  readonly fingerprint: string;
  readonly link: string;
}

/** How to start a server. */
export interface ServerOptions extends StartOptions {
  /** Any free one by default. */
  readonly port?: number;
  readonly args?: readonly string[];
}

/** A running server. Use with `await using`: it is killed at the end when nothing else has ended it. */
export class TestServer implements AsyncDisposable {
  readonly ready: Ready;
  readonly process: Running;
  readonly #options: ServerOptions;
  #pinned: Promise<PinnedServer> | undefined;

  private constructor(options: ServerOptions, process: Running, ready: Ready) {
    this.#options = options;
    this.process = process;
    this.ready = ready;
  }

  /** Starts a server and waits until it listens. Throws with what it printed when it ends instead. */
  static async start(options: ServerOptions): Promise<TestServer> {
    const args = ["server", String(options.port ?? 0), "--json", ...options.args ?? []];
    const process = await Running.start(args, options);
    try {
      const line = await process.waitForLine('"event":"ready"');
      return new TestServer(options, process, JSON.parse(line));
    } catch (thrown) {
      await process[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Its data folder. */
  get data(): string {
    return `${this.#options.home}/server`;
  }

  /** Where it listens. */
  get address(): DialOptions {
    return { host: "127.0.0.1", port: this.ready.port };
  }

  /** What a client pins of it, learned once. */
  pinned(): Promise<PinnedServer> {
    this.#pinned ??= firstContact(this.address).then(({ identity, authority }) => ({
      ...this.address,
      identity,
      authority,
    }));
    return this.#pinned;
  }

  /** Sends a signal and waits for the end. */
  stop(signal: Deno.Signal = "SIGTERM"): Promise<Ended> {
    return this.process.stop(signal);
  }

  /** Its log so far, as written to the file. */
  async log(): Promise<Record<string, unknown>[]> {
    const text = await Deno.readTextFile(`${this.data}/server.log`);
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

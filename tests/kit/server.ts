/** A real server process, in a folder of its own, on a port of its own. */
import { firstContact } from "../../lib/wire/first_contact.ts";
import type { DialOptions, PinnedServer } from "../../lib/wire/tls.ts";
import { OwnPort } from "./own_port.ts";
import { type Ended, Running, type StartOptions } from "./program.ts";

/** Longer than being connected takes on a busy machine; only a failure waits for it. In ms. */
const patienceMs = 60_000;

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
  /** By default one that is kept for it until it is disposed of. */
  readonly port?: number;
  readonly args?: readonly string[];
}

/** A running server. Use with `await using`: it is killed at the end when nothing else has ended it. */
export class TestServer implements AsyncDisposable {
  readonly ready: Ready;
  readonly process: Running;
  readonly #options: ServerOptions;
  readonly #port: OwnPort | undefined;
  #pinned: Promise<PinnedServer> | undefined;

  private constructor(
    options: ServerOptions & { readonly own: OwnPort | undefined },
    process: Running,
    ready: Ready,
  ) {
    this.#options = options;
    this.#port = options.own;
    this.process = process;
    this.ready = ready;
  }

  /** Starts a server and waits until it listens. Throws with what it printed when it ends instead. */
  static async start(options: ServerOptions): Promise<TestServer> {
    const own = options.port === undefined ? OwnPort.take() : undefined;
    const port = String(own?.number ?? options.port);
    const process = Running.start(["server", port, "--json", ...options.args ?? []], options);
    try {
      const line = await process.waitForLine('"event":"ready"');
      return new TestServer({ ...options, own }, process, JSON.parse(line));
    } catch (thrown) {
      await process[Symbol.asyncDispose]();
      own?.[Symbol.dispose]();
      throw thrown;
    }
  }

  /** Its data folder. */
  get data(): string {
    return `${this.#options.home}/server`;
  }

  /** Where it listens. */
  get address(): DialOptions {
    return { host: "127.0.0.1", port: this.ready.port, connectMs: patienceMs };
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

  /** Its log so far, as written to the file; a line that is being written is not there yet. */
  async log(): Promise<Record<string, unknown>[]> {
    const text = await Deno.readTextFile(`${this.data}/server.log`);
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    this.#port?.[Symbol.dispose]();
  }
}

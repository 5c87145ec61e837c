/** A server with accounts and their engines; everything is ended and removed at the end. */
import type { Engine } from "../../../client/engine/api.ts";
import type { PinnedServer } from "../../../lib/wire/tls.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, type TestAccount } from "../../kit/wire_client.ts";
import { type DeviceFacts, engineFor, type EngineOptions, newDevice } from "./kit.ts";

/** A server and the people on it. */
export class Village implements AsyncDisposable {
  readonly folder: string;
  server: TestServer;
  readonly pinned: PinnedServer;
  /** Has the port, also for those that come after it. */
  readonly #first: TestServer;
  readonly #temp: TempFolder;
  #engines: Engine[] = [];
  readonly #accounts = new Map<string, TestAccount>();
  #devices = 0;

  private constructor(temp: TempFolder, server: TestServer, pinned: PinnedServer) {
    this.#temp = temp;
    this.folder = temp.path;
    this.server = server;
    this.#first = server;
    this.pinned = pinned;
  }

  /** Starts a server in a folder of its own. */
  static async make(
    options: { readonly env?: Record<string, string>; readonly args?: readonly string[] } = {},
  ): Promise<Village> {
    const temp = await TempFolder.make();
    const server = await TestServer.start({ home: temp.path, ...options });
    return new Village(temp, server, await server.pinned());
  }

  /** Starts the server again on the same port and data; the process before must have ended. */
  async restart(env: Record<string, string> = {}): Promise<void> {
    const { port } = this.server.ready;
    this.server = await TestServer.start({ home: this.folder, port, env });
  }

  /** A new device: of a new account, or a further one of an account that is known here. */
  async device(name: string): Promise<DeviceFacts> {
    const known = this.#accounts.get(name);
    const account = known ?? newAccount(name);
    this.#accounts.set(name, account);
    this.#devices += 1;
    const folder = `${this.folder}/device${this.#devices}`;
    return await newDevice(this.pinned, { folder, account, enrol: known !== undefined });
  }

  /** An engine that is not connected. */
  engine(facts: DeviceFacts, options: EngineOptions = {}): Engine {
    const engine = engineFor(facts, options);
    this.#engines.push(engine);
    return engine;
  }

  /** An engine that is connected and has caught up. */
  async open(
    facts: DeviceFacts,
    options: EngineOptions & { readonly receive?: boolean } = {},
  ): Promise<Engine> {
    const engine = this.engine(facts, options);
    const receive = options.receive ?? true;
    await engine.start({ receive, keepTrying: false });
    if (receive) await engine.caughtUp(AbortSignal.timeout(60_000));
    return engine;
  }

  /** A new account with one device, online. */
  async online(name: string, options: EngineOptions = {}): Promise<Engine> {
    return await this.open(await this.device(name), options);
  }

  /** Connects once, so that the device's key packages are at the server, and goes away. */
  async briefly(facts: DeviceFacts, options: EngineOptions = {}): Promise<void> {
    const engine = engineFor(facts, options);
    await engine.start({ receive: true, keepTrying: false });
    await engine.caughtUp(AbortSignal.timeout(60_000));
    await engine.stop();
  }

  /** Everybody goes: stops the engines that there are. */
  async rest(): Promise<void> {
    const engines = this.#engines;
    this.#engines = [];
    for (const engine of engines) await engine.stop({ drainMs: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest();
    for (const one of new Set([this.server, this.#first])) await one[Symbol.asyncDispose]();
    await this.#temp[Symbol.asyncDispose]();
  }
}

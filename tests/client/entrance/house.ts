/** A server with people who come in by the entrance; everything is ended and removed at the end. */
import type { Engine, Entrance, ServerAddress } from "../../../client/engine/api.ts";
import { openEntrance } from "../../../client/engine/entrance.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";

/** A password that is strong enough. */
export const password = "correct horse battery staple 9";
/** Another one. */
export const otherPassword = "a new zebra battery clip 84";

/** How somebody comes in. */
export interface Coming {
  /** Folder of one machine; machines know nothing of each other. */
  readonly machine: string;
  readonly address?: ServerAddress | "last";
  readonly profile?: string;
  /** What the person says to an unknown server. */
  readonly trusting?: boolean;
}

/** A server and its visitors. */
export class House implements AsyncDisposable {
  readonly folder: string;
  server: TestServer;
  /** Fingerprints that people were asked about. */
  readonly questions: string[] = [];
  readonly #temp: TempFolder;
  #entrances: Entrance[] = [];
  #engines: Engine[] = [];
  #rests = 0;

  private constructor(temp: TempFolder, server: TestServer) {
    this.#temp = temp;
    this.folder = temp.path;
    this.server = server;
  }

  /** Starts a server in a folder of its own. */
  static async make(): Promise<House> {
    const temp = await TempFolder.make();
    return new House(temp, await TestServer.start({ home: temp.path }));
  }

  get port(): number {
    return this.server.ready.port;
  }

  /** The folder of a machine. */
  home(machine: string): string {
    return `${this.folder}/visitors${this.#rests}/${machine}`;
  }

  /** Opens the entrance. */
  async come({ machine, address, profile, trusting = true }: Coming): Promise<Entrance> {
    const where = address ?? { host: "127.0.0.1", port: this.port };
    const entrance = await openEntrance({
      ...(where === "last" ? {} : { address: where }),
      ...(profile === undefined ? {} : { profile }),
      home: this.home(machine),
      trust: {
        confirm: ({ fingerprint }) => {
          this.questions.push(fingerprint);
          return Promise.resolve(trusting);
        },
      },
      signal: new AbortController().signal,
    });
    this.#entrances.push(entrance);
    return entrance;
  }

  /** Keeps an engine until the end. */
  keep(engine: Engine): Engine {
    this.#engines.push(engine);
    return engine;
  }

  /** Registers on a machine and connects. */
  async resident(name: string, machine = name): Promise<Engine> {
    const entrance = await this.come({ machine });
    const engine = this.keep(await entrance.register({ name, password, remember: true }));
    await engine.start({ receive: true, keepTrying: false });
    await engine.caughtUp();
    return engine;
  }

  /** All visitors go; machines of the same names are others from now on. */
  async rest(): Promise<void> {
    const [engines, entrances] = [this.#engines, this.#entrances];
    [this.#engines, this.#entrances, this.#rests] = [[], [], this.#rests + 1];
    this.questions.length = 0;
    await Promise.all(engines.map((engine) => engine.stop({ drainMs: 0 })));
    await Promise.all(entrances.map((entrance) => entrance.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest();
    await this.server[Symbol.asyncDispose]();
    await this.#temp[Symbol.asyncDispose]();
  }
}

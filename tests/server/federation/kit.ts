/** Servers that are linked, as processes; and a peer that can do everything wrong. */
import { randomId } from "../../../lib/base/ids.ts";
import { generateSigningKey, type SigningKey } from "../../../lib/crypto/sign.ts";
import { Connection } from "../../../lib/wire/connection.ts";
import type { Message } from "../../../lib/wire/messages.ts";
import { dial, type PinnedServer } from "../../../lib/wire/tls.ts";
import { RunningServer } from "../../../server/admin/ask.ts";
import type {
  AdminAction,
  AdminInput,
  AdminOutput,
  PeerStatus,
} from "../../../server/admin/protocol.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";

/** One server with its operator. */
export class House implements AsyncDisposable {
  readonly name: string;
  readonly home: TempFolder;
  readonly #args: readonly string[];
  server: TestServer;
  #port: number;

  private constructor(
    name: string,
    home: TempFolder,
    options: { server: TestServer; args: readonly string[] },
  ) {
    this.name = name;
    this.home = home;
    this.server = options.server;
    this.#args = options.args;
    this.#port = options.server.ready.port;
  }

  static async start(name: string, ...more: string[]): Promise<House> {
    const home = await TempFolder.make();
    const args = ["--name", name, ...more];
    const server = await TestServer.start({ home: home.path, args });
    return new House(name, home, { server, args });
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get link(): string {
    return `sealpost://${this.address}/#${this.server.ready.fingerprint}`;
  }

  /** Kills it as it stands. */
  async kill(): Promise<void> {
    await this.server.stop("SIGKILL");
  }

  /** Starts it again where it was. */
  async again(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    const { path: home } = this.home;
    this.server = await TestServer.start({ home, port: this.#port, args: this.#args, env });
  }

  /** What its operator's commands ask. */
  async ask<A extends AdminAction>(action: A, input: AdminInput<A>): Promise<AdminOutput<A>> {
    using running = await RunningServer.connect(this.server.data);
    return await running.ask(action, input);
  }

  async peers(): Promise<readonly PeerStatus[]> {
    return (await this.ask("peer.list", {})).peers;
  }

  /** Waits for a line of the server's log on the console. */
  async says(pattern: RegExp, after = this.server.process.mark()): Promise<void> {
    await this.server.process.waitForRemark(pattern, after);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }
}

/** Adds each to the other and waits until there is a link. */
export async function linkHouses(a: House, b: House): Promise<void> {
  const linked = [a, b].map((house) => house.says(/peer linked/));
  await a.ask("peer.add", { address: b.link, name: b.name });
  await b.ask("peer.add", { address: a.link, name: a.name });
  await Promise.all(linked);
}

/** What a good peer says first. */
export function greeting(changes: Partial<Message<"peer.link">> = {}): Message<"peer.link"> {
  return {
    type: "peer.link",
    versions: [1],
    name: "stranger",
    capabilities: [],
    limits: { windowItems: 100, itemBytes: 48 * 1024 },
    stream: randomId(),
    first: 1,
    received: null,
    ...changes,
  };
}

/** A server that speaks the wire alone. */
export class HostilePeer implements AsyncDisposable {
  readonly connection: Connection;

  private constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Greets as a peer; what follows is the test's. */
  static async connect(
    server: PinnedServer,
    identity: SigningKey = generateSigningKey(),
  ): Promise<HostilePeer> {
    const connection = await Connection.open(await dial(server), {
      device: identity,
      facts: { software: "test", role: "peer" },
      expectIdentity: server.identity,
    });
    return new HostilePeer(connection);
  }

  /** Sends these messages in one frame. */
  say(...messages: object[]): void {
    for (const message of messages) this.connection.sendEncoded(JSON.stringify(message));
  }

  /** The next message; undefined at the end. */
  async hear(): Promise<Message | undefined> {
    return (await this.connection.receive())?.[0]?.message;
  }

  /** The code with which the other side ends it. */
  async end(): Promise<string> {
    for (;;) {
      const message = await this.hear().catch(() => undefined);
      if (message === undefined) return "closed without a word";
      if (message.type === "peer.close" || message.type === "error") return message.code;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}

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
import { OwnPort } from "../../kit/own_port.ts";
import { TestServer } from "../../kit/server.ts";

/** Longer than anything takes on a busy machine; only a failure waits for it. In ms. */
const patienceMs = 120_000;

/** One server with its operator. */
export class House implements AsyncDisposable {
  readonly name: string;
  readonly home: TempFolder;
  readonly #args: readonly string[];
  server: TestServer;
  readonly #port: OwnPort;

  private constructor(
    name: string,
    home: TempFolder,
    options: { server: TestServer; args: readonly string[]; port: OwnPort },
  ) {
    this.name = name;
    this.home = home;
    this.server = options.server;
    this.#args = options.args;
    this.#port = options.port;
  }

  static async start(name: string, ...more: string[]): Promise<House> {
    const home = await TempFolder.make();
    const port = OwnPort.take();
    const args = ["--name", name, ...more];
    const server = await TestServer.start({ home: home.path, port: port.number, args });
    return new House(name, home, { server, args, port });
  }

  get address(): string {
    return `127.0.0.1:${this.#port.number}`;
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
    const port = this.#port.number;
    this.server = await TestServer.start({ home, port, args: this.#args, env });
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

  /** Until what waits here for the other servers is at most so many items each, all of them confirmed when none. */
  async waitingAtMost(most: number): Promise<void> {
    const end = AbortSignal.timeout(patienceMs);
    for (;;) {
      const waiting = (await this.peers()).map(({ queued }) => queued);
      if (waiting.every((count) => count <= most)) return;
      if (end.aborted) throw new Error(`${this.name}'s outbox does not empty: ${waiting}`);
    }
  }

  /** Until `fits` is true, which is looked at now and after every line of the log: whatever changes a link is logged. */
  async until(fits: () => Promise<boolean>): Promise<void> {
    for (;;) {
      const mark = this.server.process.mark();
      if (await fits()) return;
      await this.server.process.nextRemark(mark);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.#port[Symbol.dispose]();
    await this.home[Symbol.asyncDispose]();
  }
}

/** Where nobody listens, whatever the machine does. */
const nowhere = "127.0.0.1:1";

/**
 * Adds each to the other and waits until there is a link. The first alone dials, now and whenever the link is lost: where
 * both do, two links may come and one of them has to go, which is its own test.
 */
export async function linkFrom(a: House, b: House): Promise<void> {
  const linked = [a, b].map((house) => house.says(/peer linked/));
  const { fingerprint } = a.server.ready;
  await b.ask("peer.add", { address: nowhere, fingerprint, name: a.name });
  await a.ask("peer.add", { address: b.link, name: b.name });
  await Promise.all(linked);
}

/** The same; either dials when the link is lost. */
export async function linkHouses(a: House, b: House): Promise<void> {
  await linkFrom(a, b);
  await b.ask("peer.add", { address: a.link, name: a.name });
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
  /** What came in one frame with what was heard. */
  readonly #heard: Message[] = [];

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
    if (this.#heard.length === 0) {
      const arrived = await this.connection.receive();
      this.#heard.push(...(arrived ?? []).map(({ message }) => message));
    }
    return this.#heard.shift();
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

/**
 * A malicious server: it has the real server's identity and certificate, and the real server behind it as its database.
 * To log in there it borrows the device's key, which a real one would not need. What it tells its client it may bend.
 */
import { fromBase64url } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { signingKeyFromPem } from "../../../lib/crypto/key_files.ts";
import { signingKeyFromSeed } from "../../../lib/crypto/sign.ts";
import { Connection } from "../../../lib/wire/connection.ts";
import type { Arrived } from "../../../lib/wire/messages.ts";
import { dial, listenTls, type PinnedServer, type TlsListener } from "../../../lib/wire/tls.ts";
import type { DeviceFacts } from "./kit.ts";
import type { Village } from "./village.ts";

/** What the client is told in place of a message: another one, several, or nothing. */
export type Bend = (
  arrived: Arrived,
) => Arrived | readonly Arrived[] | Promise<Arrived | readonly Arrived[]>;

/** One malicious server for one device. */
export class EvilServer implements AsyncDisposable {
  readonly port: number;
  /** Types of the requests that the client made. */
  readonly asked: string[] = [];
  bend: Bend = (arrived) => arrived;
  /** The same for what the client tells. */
  hear: Bend = (arrived) => arrived;
  readonly #listener: TlsListener;
  readonly #pinned: PinnedServer;
  readonly #facts: DeviceFacts;
  readonly #data: string;
  readonly #open = new Set<Connection>();
  readonly #running = new Set<Promise<void>>();
  #client: Connection | undefined;
  #closed = false;

  private constructor(village: Village, facts: DeviceFacts) {
    this.#data = village.server.data;
    this.#pinned = village.pinned;
    this.#facts = facts;
    this.#listener = listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: Deno.readTextFileSync(`${this.#data}/server.crt`),
      key: Deno.readTextFileSync(`${this.#data}/server.key`),
    });
    this.port = this.#listener.port;
  }

  /** Starts it beside the village's server. */
  static start(village: Village, facts: DeviceFacts): EvilServer {
    const evil = new EvilServer(village, facts);
    void evil.#accept();
    return evil;
  }

  async #accept(): Promise<void> {
    for (;;) {
      const transport = await this.#listener.accept();
      if (transport === undefined) return;
      const running = this.#session(transport).catch(clientLeft)
        .finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  async #session(transport: Parameters<typeof Connection.accept>[0]): Promise<void> {
    const identity = signingKeyFromPem(Deno.readTextFileSync(`${this.#data}/identity.key`));
    const client = await Connection.accept(transport, {
      identity,
      facts: {
        name: "evil",
        software: "test",
        authority: this.#pinned.authority,
        capabilities: [],
      },
    });
    const server = await Connection.open(await dial(this.#pinned), {
      device: signingKeyFromSeed(fromBase64url(this.#facts.deviceSeed)),
      facts: { software: "test", role: "client" },
    });
    this.#open.add(client).add(server);
    this.#client = client;
    // A session can have begun a moment before the end.
    if (this.#closed) await Promise.all([client.close(), server.close()]);
    const up = relay(client, server, (arrived) => {
      this.asked.push(arrived.message.type);
      return this.hear(arrived);
    });
    const down = relay(server, client, (arrived) => this.bend(arrived));
    await Promise.all([up, down]);
  }

  /** Tells the client that came last something more. */
  tell({ message, body }: Arrived): void {
    this.#client?.send(message, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#listener.close();
    for (const connection of this.#open) await connection.close();
    await Promise.all(this.#running);
  }
}

/** The client, or the server behind, was gone before the session was there. */
function clientLeft(thrown: unknown): void {
  if (!(thrown instanceof AppError)) throw thrown;
}

async function relay(from: Connection, to: Connection, change: Bend): Promise<void> {
  try {
    for (;;) {
      const arrived = await from.receive();
      if (arrived === undefined) break;
      for (const one of arrived) {
        for (const { message, body } of [await change(one)].flat()) to.send(message, body);
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
  }
  await to.close();
}

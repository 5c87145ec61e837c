/** A relay between client and server that loses answers or stands still. It sees only TLS: that is all it can do. */

/** A relay on a port of its own. */
export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  /** Each connection ends after so many bytes from the server. */
  cutAfter = Infinity;
  /** The first connection ends in place of the answer of this number; later ones live. */
  cutBeforeAnswer = Infinity;
  /** Nothing more passes on a connection once so many bytes have passed either way, until `flow`. */
  stallAfter = Infinity;
  #flowing = Promise.withResolvers<void>();
  readonly #listener: Deno.TcpListener;
  #target: number;
  readonly #open = new Set<Deno.Conn>();
  readonly #relays = new Set<Promise<void>>();
  #closed = false;

  private constructor(listener: Deno.TcpListener, target: number) {
    this.#listener = listener;
    this.#target = target;
    this.port = listener.addr.port;
  }

  /** Starts relaying to a port of this machine. */
  static start(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(Deno.listen({ hostname: "127.0.0.1", port: 0 }), target);
    void proxy.#accept();
    return Promise.resolve(proxy);
  }

  /** Relays new connections to another port from now on. */
  retarget(target: number): void {
    this.#target = target;
  }

  /** Everything passes again. */
  flow(): void {
    this.stallAfter = Infinity;
    this.#flowing.resolve();
    this.#flowing = Promise.withResolvers();
  }

  /** Ends all connections. */
  cutNow(): void {
    for (const conn of this.#open) close(conn);
    this.#open.clear();
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const relay = this.#relay(client).finally(() => this.#relays.delete(relay));
      this.#relays.add(relay);
    }
  }

  async #relay(client: Deno.Conn): Promise<void> {
    const server = await reach(this.#target);
    // The server is away just now: for the client, a line that breaks.
    if (server === undefined) return close(client);
    this.#open.add(client).add(server);
    // A connection can have come a moment before the end.
    if (this.#closed) this.cutNow();
    let passed = 0;
    let answers = 0;
    let asked = false;
    const answerLimit = this.cutBeforeAnswer;
    this.cutBeforeAnswer = Infinity;
    let carried = 0;
    const stalled = async (length: number) => {
      carried += length;
      while (carried > this.stallAfter && !this.#closed) await this.#flowing.promise;
    };
    const up = copy(client, server, async (length) => {
      asked = true;
      await stalled(length);
    });
    const down = copy(server, client, async (length) => {
      await stalled(length);
      passed += length;
      if (asked) answers += 1;
      asked = false;
      if (passed <= this.cutAfter && answers < answerLimit) return;
      close(client);
      close(server);
    });
    await Promise.all([up, down]);
    for (const conn of [client, server]) {
      close(conn);
      this.#open.delete(conn);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.flow();
    this.#listener.close();
    this.cutNow();
    await Promise.all(this.#relays);
  }
}

/** A connection to a port of this machine; undefined when nobody listens there. */
async function reach(port: number): Promise<Deno.TcpConn | undefined> {
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port });
  } catch (thrown) {
    const { ConnectionRefused, ConnectionReset } = Deno.errors;
    if (thrown instanceof ConnectionRefused || thrown instanceof ConnectionReset) return undefined;
    throw thrown;
  }
}

/** Copies until one side ends; `before` sees each piece before it is passed on. */
async function copy(
  from: Deno.Conn,
  to: Deno.Conn,
  before: (length: number) => Promise<void>,
): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (;;) {
      const length = await from.read(buffer);
      if (length === null) break;
      await before(length);
      for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
    }
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
  }
  close(from);
  close(to);
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.BadResource)) throw thrown;
  }
}

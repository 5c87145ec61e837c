/** A TCP relay in front of a server that can be told to lose what passes, so that tests can lose one answer. */

/** What happens to bytes: they pass, or the connection ends without them. */
export type Verdict = "pass" | "cut";

/** Asked for every piece, in either direction. */
export interface Rules {
  toServer?: () => Verdict;
  toClient?: () => Verdict;
}

/** A relay. Use with `await using`. */
export class Proxy implements AsyncDisposable {
  /** Of the connections that are open now, and of later ones. */
  rules: Rules = {};
  readonly #listener: Deno.TcpListener;
  readonly #target: { readonly hostname: string; readonly port: number };
  readonly #open = new Set<Deno.TcpConn>();
  readonly #work = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(port: number) {
    this.#target = { hostname: "127.0.0.1", port };
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) {
        const done = this.#relay(client);
        this.#work.add(done);
        done.finally(() => this.#work.delete(done));
      }
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.BadResource)) throw thrown;
    }
  }

  async #relay(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    try {
      const server = await Deno.connect(this.#target);
      this.#open.add(server);
      const end = () => {
        this.#close(client);
        this.#close(server);
      };
      await Promise.all([
        this.#copy({ from: client, to: server, rule: () => this.rules.toServer?.() }).finally(end),
        this.#copy({ from: server, to: client, rule: () => this.rules.toClient?.() }).finally(end),
      ]);
    } catch (thrown) {
      // The server is away: so is what it would have said.
      if (!(thrown instanceof Deno.errors.ConnectionRefused)) throw thrown;
      this.#close(client);
    }
  }

  async #copy(
    { from, to, rule }: {
      readonly from: Deno.TcpConn;
      readonly to: Deno.TcpConn;
      readonly rule: () => Verdict | undefined;
    },
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null || rule() === "cut") return;
        for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
      }
    } catch {
      // One side is gone; the caller ends the other.
    }
  }

  #close(conn: Deno.TcpConn): void {
    if (this.#open.delete(conn)) conn.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of [...this.#open]) this.#close(conn);
    await Promise.all(this.#work);
    await this.#accepting;
  }
}

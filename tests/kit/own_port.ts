/**
 * Ports for servers that are started again where they were, or asked for after their end. A port that the system chose is
 * free again as soon as nobody listens, and the next listener or connection of any test may be given it.
 */

/** Below those that Linux and macOS give away by themselves. */
const first = 20_000;
const count = 6_000;

/** A port that no other test is given as long as this is not disposed of. */
export class OwnPort implements Disposable {
  readonly number: number;
  readonly #guard: Deno.Listener;

  private constructor(number: number, guard: Deno.Listener) {
    this.number = number;
    this.#guard = guard;
  }

  /** One that nobody listens on. Throws when there is none. */
  static take(): OwnPort {
    const start = crypto.getRandomValues(new Uint32Array(1))[0]! % count;
    for (let step = 0; step < count; step++) {
      const at = (start + step) % count;
      // Whoever holds the guard has the port, in whatever process.
      const guard = listen("127.0.0.1", first + count + at);
      if (guard === undefined) continue;
      if (isFree(first + at)) return new OwnPort(first + at, guard);
      guard.close();
    }
    throw new Error("no port is free");
  }

  [Symbol.dispose](): void {
    this.#guard.close();
  }
}

function isFree(port: number): boolean {
  const listener = listen("0.0.0.0", port);
  listener?.close();
  return listener !== undefined;
}

function listen(hostname: string, port: number): Deno.Listener | undefined {
  try {
    return Deno.listen({ hostname, port });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AddrInUse) return undefined;
    throw thrown;
  }
}

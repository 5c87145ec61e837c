/** Keeps what waits to be written to all connections of a gateway together within bounds. */
import type { Connection } from "../../lib/wire/connection.ts";

type Sending = Pick<Connection, "queuedBytes" | "dropSlow">;

/**
 * Disconnects those for which most waits until at most `most` bytes wait in all; returns how many that were. Those that
 * read what they are sent have next to nothing waiting, and so are the last.
 */
export function relieve(connections: Iterable<Sending>, most: number): number {
  const waiting = [...connections].map((connection) => ({
    connection,
    bytes: connection.queuedBytes,
  }));
  let sum = waiting.reduce((total, { bytes }) => total + bytes, 0);
  if (sum <= most) return 0;
  waiting.sort((a, b) => b.bytes - a.bytes);
  let dropped = 0;
  for (const { connection, bytes } of waiting) {
    if (sum <= most) break;
    connection.dropSlow();
    sum -= bytes;
    dropped++;
  }
  return dropped;
}

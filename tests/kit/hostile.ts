/** A client of the wire alone, over real TLS, able to do everything wrong. */
import { dial, type PinnedServer } from "../../lib/wire/tls.ts";
import { RawClient } from "../wire/kit.ts";

/** A session with this server, greeted and open. */
export async function hostileClient(server: PinnedServer): Promise<RawClient> {
  return await new RawClient(await dial(server)).greet();
}

/** The bytes with the last bit of byte `at` (from the end when negative) turned over. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/** Whether something is an item as linked servers may send it. */
import { Compile } from "typebox/compile";
import { peerItem } from "../../../lib/wire/catalogue/peer_items.ts";

const checker = Compile(peerItem);

/** By the catalogue alone. */
export function matches(item: unknown): boolean {
  return checker.Check(item);
}

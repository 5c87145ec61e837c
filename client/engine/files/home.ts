/** Where a file is: on its sender's own server. */
import { splitAddress } from "../address.ts";

/** What a request about a file of that sender (name or address) has to say; nothing for one of one's own server. */
export function homeOf(from: string): { readonly server?: string } {
  const server = splitAddress(from)?.server;
  return server === undefined ? {} : { server };
}

/** Addresses of accounts: `name` on one's own server, `name@server` on one that it is linked with. Pure. */
import { canonicalName, isAccountName } from "../../lib/crypto/names.ts";

/** Whether the text can be an account's name, or its address (`name@server`). */
export function isAddress(text: string): boolean {
  const address = splitAddress(text);
  if (address === undefined) return isAccountName(text);
  const { name, server } = address;
  return isAccountName(name) && server !== "" && server.length <= 64 && !/[\s@]/.test(server);
}

/** The two parts of `name@server`; undefined for a bare name. Upper-case letters do not distinguish. */
export function splitAddress(address: string): { name: string; server: string } | undefined {
  const at = address.lastIndexOf("@");
  if (at < 0) return undefined;
  return { name: address.slice(0, at), server: canonicalName(address.slice(at + 1)) };
}

/** The account's name on its own server: without what stands behind `@` here. */
export function bareName(shown: string): string {
  return splitAddress(shown)?.name ?? shown;
}

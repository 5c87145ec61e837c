/** Whether a certificate makes its device one of an account, on whichever server that account is. Pure. */
import { equalBytes } from "../../lib/base/bytes.ts";
import type { DeviceCertificate } from "../../lib/crypto/certificate.ts";
import { bareName } from "./address.ts";
import { type AccountKeys, sameName } from "./core.ts";

/**
 * Whether the certificate is the account's: its id, its name, its key, and the identity of its own server, as they were
 * proved. A device of the same account on another server is none of it.
 */
export function certifies(keys: AccountKeys, certificate: DeviceCertificate): boolean {
  return certificate.accountId === keys.account &&
    sameName(certificate.name, bareName(keys.name)) &&
    equalBytes(certificate.accountKey, keys.accountKey) &&
    equalBytes(certificate.serverKey, keys.serverKey);
}

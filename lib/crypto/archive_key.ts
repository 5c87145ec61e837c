/** The key under which batches of an account's archive are sealed. */
import { hkdfSync } from "node:crypto";
import { type Bytes, utf8 } from "../base/bytes.ts";

/** HKDF-SHA256 (RFC 5869) of the account's archive key (32 bytes), without salt, info "sealpost/1 archive": 32 bytes. */
export function archiveBatchKey(archiveKey: Uint8Array): Bytes {
  const info = utf8("sealpost/1 archive");
  return new Uint8Array(hkdfSync("sha256", archiveKey, new Uint8Array(), info, 32));
}

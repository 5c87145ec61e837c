/** The name of a server's directory log in its checkpoints (C2SP tlog-checkpoint, "origin"). */
import { internalHostname } from "../crypto/x509.ts";

/**
 * The origin of the log of the server with this identity key (32 bytes): the name under which its TLS certificate is
 * verified. It follows from the identity alone, so that a new name or address of the server changes nothing.
 */
export function directoryOrigin(identityKey: Uint8Array): string {
  return internalHostname(identityKey);
}

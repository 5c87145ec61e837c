/** The server's identity as its data folder has it, for commands that need no running server. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import { signingKeyFromPem } from "../../lib/crypto/key_files.ts";

/** The fingerprint of the server of a data folder, 64 hexadecimal digits. Throws `ExitError` (notFound, localData). */
export function storedFingerprint(folder: string): string {
  const path = `${folder}/identity.key`;
  try {
    return fingerprintHex(signingKeyFromPem(Deno.readTextFileSync(path)).publicKey);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      const text = `there is no server in ${folder}: its first start makes one, or name another ` +
        "folder with --data or --home";
      throw new ExitError("notFound", text, { cause });
    }
    const why = cause instanceof Deno.errors.PermissionDenied ? "may not be read" : "is damaged";
    throw new ExitError("localData", `${path} ${why}`, { cause });
  }
}

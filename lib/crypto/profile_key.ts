/**
 * The profile's key under the password: scrypt (RFC 7914) makes a wrapping key, and the parameters travel with the
 * result, so that they can be raised later without locking anybody out.
 */
import { randomBytes, scrypt } from "node:crypto";
import { type Bytes, concat, copyBytes, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { profileKeyCost as cost, type ScryptCost } from "./password_cost.ts";
import { passwordText } from "./password_text.ts";
import { open, seal, sealOverheadBytes } from "./seal.ts";

const version = 1;
const saltBytes = 16;
const profileKeyBytes = 32;
const headerBytes = 4 + saltBytes;

/** The most that a file may ask of this machine: 1 GiB. */
const costLimit: ScryptCost = { log2N: 20, r: 8, p: 4 };

/**
 * `u8 version=1 | u8 log2 N | u8 r | u8 p | 16 salt | sealed(profile key)`; everything before the sealed key is
 * authenticated with it. `profileKey` has 32 bytes; else `RangeError`.
 */
export async function wrapProfileKey(password: string, profileKey: Uint8Array): Promise<Bytes> {
  if (profileKey.length !== profileKeyBytes) {
    throw new RangeError("a profile key has 32 bytes");
  }
  const header = concat(
    Uint8Array.of(version, cost.log2N, cost.r, cost.p),
    randomBytes(saltBytes),
  );
  const wrappingKey = await stretch(password, header);
  return concat(header, seal(wrappingKey, profileKey, associatedData(header)));
}

/**
 * The profile key, or undefined when the password is wrong (or the sealed part damaged, which looks the same). Throws
 * `AppError("malformed")` for bytes that cannot be a wrapped key, and for parameters that ask too much.
 */
export async function unwrapProfileKey(
  password: string,
  wrapped: Uint8Array,
): Promise<Bytes | undefined> {
  if (wrapped.length !== headerBytes + profileKeyBytes + sealOverheadBytes) throw malformed();
  const header = copyBytes(wrapped.subarray(0, headerBytes));
  const wrappingKey = await stretch(password, header);
  try {
    return open(wrappingKey, wrapped.subarray(headerBytes), associatedData(header));
  } catch (error) {
    if (error instanceof AppError && error.code === "tampered") return undefined;
    throw error;
  }
}

function associatedData(header: Bytes): Bytes {
  return concat(utf8("sealpost/1 profile key\0"), header);
}

function readCost(header: Bytes): ScryptCost {
  const [found = 0, log2N = 0, r = 0, p = 0] = header;
  const possible = found === version && log2N >= 10 && log2N <= costLimit.log2N &&
    r >= 1 && r <= costLimit.r && p >= 1 && p <= costLimit.p;
  if (!possible) throw malformed();
  return { log2N, r, p };
}

function stretch(password: string, header: Bytes): Promise<Uint8Array> {
  const { log2N, r, p } = readCost(header);
  const N = 2 ** log2N;
  // scrypt itself needs 128 * N * r bytes and a little; the default ceiling is 32 MiB.
  const options = { N, r, p, maxmem: 128 * N * r * p + 64 * 1024 * 1024 };
  const salt = header.subarray(4);
  return new Promise((resolve, reject) => {
    scrypt(utf8(passwordText(password)), salt, 32, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

function malformed(): AppError {
  return new AppError("malformed", { text: "the profile's key file is not readable" });
}

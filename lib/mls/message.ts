/** MLS messages as bytes (RFC 9420 section 6). One message has one encoding; anything else is refused. */
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { decodeMlsMessage, type MLSMessage, mlsMessageEncoder } from "ts-mls/message.js";
import { type Bytes, copyBytes, equalBytes } from "../base/bytes.ts";
import { RefusalError } from "./refusal.ts";

/** The bytes of a message. */
export function encodeMessage(message: MLSMessage): Bytes {
  return copyBytes(encode(mlsMessageEncoder)(message));
}

/** The message in `bytes`. Throws `RefusalError("malformed")` on anything but its one encoding. */
export function decodeMessage(bytes: Uint8Array): MLSMessage {
  const message = tryDecode(copyBytes(bytes));
  if (message === undefined || !equalBytes(encode(mlsMessageEncoder)(message), bytes)) {
    throw new RefusalError("malformed", "not an MLS message in its one encoding");
  }
  return message;
}

function tryDecode(bytes: Bytes): MLSMessage | undefined {
  try {
    return decodeMlsMessage(bytes, 0)?.[0];
  } catch (thrown) {
    throw new RefusalError("malformed", thrown instanceof Error ? thrown.message : String(thrown));
  }
}

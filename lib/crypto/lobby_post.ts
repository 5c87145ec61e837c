/** The signature of a post in the lobby: by the sender's device, over everything that the sender says. */
import { type Bytes, u64be, utf8 } from "../base/bytes.ts";
import { uuidBytes } from "../base/ids.ts";
import type { SigningKey, VerifyingKey } from "./sign.ts";

/** What is signed: `16 post id | u64be sentAt | text (UTF-8)` under the label "lobby". */
export interface LobbyPostContent {
  /** UUID, made by the sender. */
  readonly post: string;
  /** Milliseconds since 1970, by the sender's clock. */
  readonly sentAt: number;
  readonly text: string;
}

/** Signs a post: 64 bytes. Throws `TypeError` when the id is not a UUID. */
export function signLobbyPost(device: SigningKey, content: LobbyPostContent): Bytes {
  return device.sign("lobby", ...signedParts(content));
}

/** Whether `signature` is the device's over this post. */
export function verifyLobbyPost(
  device: VerifyingKey,
  signature: Uint8Array,
  content: LobbyPostContent,
): boolean {
  return device.verify("lobby", signature, ...signedParts(content));
}

function signedParts({ post, sentAt, text }: LobbyPostContent): Bytes[] {
  return [uuidBytes(post), u64be(sentAt), utf8(text)];
}

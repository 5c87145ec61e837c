import { strictEqual } from "node:assert/strict";
import { randomId } from "../../lib/base/ids.ts";
import { signLobbyPost, verifyLobbyPost } from "../../lib/crypto/lobby_post.ts";
import { generateSigningKey, VerifyingKey } from "../../lib/crypto/sign.ts";

Deno.test("a post of the lobby is bound to its sender, id, time and text", () => {
  const device = generateSigningKey();
  const key = new VerifyingKey(device.publicKey);
  const post = { post: randomId(), sentAt: 1_800_000_000_000, text: "hello, all" };
  const signature = signLobbyPost(device, post);
  strictEqual(verifyLobbyPost(key, signature, post), true);
  strictEqual(verifyLobbyPost(key, signature, { ...post, text: "hello, al" }), false);
  strictEqual(verifyLobbyPost(key, signature, { ...post, sentAt: post.sentAt + 1 }), false);
  strictEqual(verifyLobbyPost(key, signature, { ...post, post: randomId() }), false);
  const other = new VerifyingKey(generateSigningKey().publicKey);
  strictEqual(verifyLobbyPost(other, signature, post), false);
});

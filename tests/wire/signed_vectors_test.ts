import assert from "node:assert/strict";
import { decodeContent, encodeContent } from "../../client/engine/content/codec.ts";
import { contentKinds } from "../../client/engine/content/kinds.ts";
import { concat, fromBase64url, fromHex, toHex, u64be, utf8 } from "../../lib/base/bytes.ts";
import { uuidBytes } from "../../lib/base/ids.ts";
import { refusalReasons } from "../../lib/crypto/commit_refusal.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import { safetyNumber } from "../../lib/crypto/safety_number.ts";
import { labels, VerifyingKey } from "../../lib/crypto/sign.ts";
import { openVault } from "../../lib/crypto/vault.ts";
import { openCheckpoint } from "../../lib/directory/checkpoint.ts";
import { decodeEntry, encodeEntry } from "../../lib/directory/entry.ts";
import { catalogue } from "../../lib/wire/messages.ts";
import { readMessages } from "../../lib/wire/read_messages.ts";
import { signedVectors } from "../vectors/make_signed.ts";
import messages from "../vectors/messages.json" with { type: "json" };
import vectors from "../vectors/signed.json" with { type: "json" };
import wire from "../vectors/wire.json" with { type: "json" };

const device = new VerifyingKey(fromHex(vectors.device));

Deno.test("the vectors of what is signed and sealed are what the code makes today", () => {
  assert.deepEqual(vectors, JSON.parse(JSON.stringify(signedVectors)));
});

Deno.test("every kind of content has a vector, signed as the document says, and reads as it was written", () => {
  const kinds = new Set(vectors.contents.map(({ kind }) => kind));
  assert.deepEqual([...kinds].sort(), Object.keys(contentKinds).sort());
  for (const { kind, content, signature } of vectors.contents) {
    const lead = concat(utf8("sealpost/1 content\0"), uuidBytes(vectors.conversation));
    assert.ok(device.verifyBytes(fromHex(signature), concat(lead, utf8(content))), kind);
    const read = decodeContent(utf8(content));
    assert.ok(read.kind !== "unknown" && read.kind === kind);
    assert.equal(new TextDecoder().decode(encodeContent(read)), content);
  }
});

Deno.test("every reason of a commit refusal has a vector, signed as the document says", () => {
  assert.deepEqual(vectors.commitRefusals.map(({ reason }) => reason), [...refusalReasons]);
  for (const refusal of vectors.commitRefusals) {
    const { conversation, incarnation, epoch, hash, reason, signed, signature } = refusal;
    const place = concat(uuidBytes(conversation), u64be(incarnation), u64be(epoch));
    const lead = concat(utf8("sealpost/1 commit refusal\0"), place);
    assert.equal(toHex(concat(lead, fromBase64url(hash), utf8(reason))), signed);
    assert.ok(device.verifyBytes(fromHex(signature), fromHex(signed)), reason);
  }
});

Deno.test("every label that something is signed for is in a vector and in the document", async () => {
  const document = await Deno.readTextFile(new URL("../../docs/PROTOCOL.md", import.meta.url));
  const inVectors: Readonly<Record<typeof labels[number], readonly unknown[]>> = {
    "frame": wire.frames,
    "device certificate": [wire.deviceCertificate.bytes],
    "device revocation": [wire.deviceRevocation.bytes],
    "content": vectors.contents,
    "lobby": [wire.lobbyPost.signature],
    "commit refusal": vectors.commitRefusals,
  };
  assert.deepEqual(Object.keys(inVectors).sort(), [...labels].sort());
  for (const label of labels) {
    assert.ok(inVectors[label].length > 0, label);
    assert.ok(document.includes(`| \`${label}\` |`), label);
  }
});

Deno.test("the vectors' directory has the tree and the checkpoint that the document says", () => {
  const { origin, identity, entries, leaves, root, text, checkpoint } = vectors.directory;
  for (const entry of entries) {
    assert.equal(new TextDecoder().decode(encodeEntry(decodeEntry(utf8(entry)))), entry);
  }
  const hashes = entries.map((entry) => sha256(Uint8Array.of(0), utf8(entry)));
  assert.deepEqual(hashes.map(toHex), leaves);
  const [a, b, c] = hashes;
  assert.ok(a && b && c && entries.length === 3);
  const node = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right);
  assert.equal(toHex(node(node(a, b), c)), root);
  const opened = openCheckpoint(checkpoint, { origin, publicKey: fromHex(identity) });
  assert.deepEqual({ ...opened, root: toHex(opened.root) }, { size: 3, root });
  const signature = fromBase64url(
    checkpoint.slice(checkpoint.lastIndexOf(" ") + 1, -1).replaceAll("+", "-").replaceAll("/", "_")
      .replaceAll("=", ""),
  );
  const key = new VerifyingKey(fromHex(identity));
  assert.ok(checkpoint.startsWith(`${text}\n`));
  assert.ok(key.verifyBytes(signature.slice(4), utf8(text)));
});

Deno.test("the vectors' vault opens, and the safety number is that of its pair", () => {
  const { vault, account, safetyNumber: { one, other, digits } } = vectors;
  const secrets = openVault(vault.exportKey, fromHex(vault.bytes), { accountId: account.id });
  assert.equal(toHex(secrets.accountSeed), vault.accountSeed);
  assert.equal(toHex(secrets.archiveKey), vault.archiveKey);
  const party = ({ accountId, accountKey }: typeof one) => ({
    accountId,
    accountKey: fromHex(accountKey),
  });
  assert.equal(safetyNumber(party(other), party(one)), digits);
});

Deno.test("every message of the vectors is read by the side that it is for", () => {
  assert.deepEqual([...new Set(messages.map(({ type }) => type))], Object.keys(catalogue));
  for (const { direction, text } of messages) {
    const parsed = JSON.parse(text);
    const body = new Uint8Array(bodyLength(parsed));
    const from = direction === "server" ? "server" : "client";
    const [arrived, ...more] = readMessages({ header: utf8(`[${text}]`), body }, from);
    assert.deepEqual([arrived?.message, more.length], [parsed, 0]);
  }
});

/** Of its body: absent means none. */
function bodyLength({ body = 0 }: { readonly body?: number }): number {
  return body;
}

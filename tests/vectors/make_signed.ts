/**
 * Makes `signed.json`: content of every kind with its signature, a commit refusal, the directory's entries with their tree
 * and checkpoint, a vault and a safety number, from fixed keys and nonces. `deno run --allow-write=tests/vectors
 * tests/vectors/make_signed.ts` writes it anew after a deliberate change of the protocol.
 */
import { createCipheriv, hkdfSync } from "node:crypto";
import { encodeContent, signContent } from "../../client/engine/content/codec.ts";
import type { Draft, DraftOf, KindName } from "../../client/engine/content/kinds.ts";
import {
  type Bytes,
  concat,
  fromUtf8,
  toBase64url,
  toHex,
  u64be,
  utf8,
} from "../../lib/base/bytes.ts";
import { uuidBytes } from "../../lib/base/ids.ts";
import { issueDeviceCertificate, issueRevocation } from "../../lib/crypto/certificate.ts";
import { refusalReasons, signCommitRefusal } from "../../lib/crypto/commit_refusal.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import { safetyNumber } from "../../lib/crypto/safety_number.ts";
import { labelPrefix, signingKeyFromSeed } from "../../lib/crypto/sign.ts";
import { formatCheckpoint, signCheckpoint } from "../../lib/directory/checkpoint.ts";
import { encodeEntry } from "../../lib/directory/entry.ts";
import { leafHash } from "../../lib/directory/hash.ts";
import { directoryOrigin } from "../../lib/directory/origin.ts";
import { rootOf } from "../../lib/directory/tree.ts";

const ascending = (first: number, length = 32) =>
  new Uint8Array(length).map((_, at) => first + at);
const digest = (what: string) => toBase64url(sha256(utf8(what)));

/** The keys of `wire.json`. */
const identity = signingKeyFromSeed(ascending(0x00));
const device = signingKeyFromSeed(ascending(0x20));
const account = signingKeyFromSeed(ascending(0x40));

const at = 1763683200000;
const accountId = "01890a5d-ac96-774b-bcce-b302099a8057";
const friendId = "01890a5d-ac96-7000-8000-000000000003";
const conversation = "01890a5d-ac96-7000-8000-000000000001";
const first = "01890a5d-ac96-7000-8000-000000000010";
const idOf = (number: number) => first.slice(0, -2) + (0x10 + number).toString(16);

const certificate = issueDeviceCertificate({
  name: "Sam",
  accountId,
  serverKey: identity.publicKey,
  accountKey: account,
  deviceKey: device.publicKey,
  createdAt: at,
});
const revocation = issueRevocation({
  accountId,
  accountKey: account,
  deviceKey: device.publicKey,
  revokedAt: at + 86_400_000,
});

const origin = directoryOrigin(identity.publicKey);
const entries = [
  { v: 1, type: "account", name: "Sam", accountId, accountKey: account.publicKey, at },
  { v: 1, type: "device", accountId, certificate: certificate.bytes },
  { v: 1, type: "revocation", accountId, revocation: revocation.bytes },
] as const;
const encoded = entries.map(encodeEntry);
const leaves = encoded.map(leafHash);
const checkpoint = { origin, size: leaves.length, root: rootOf(leaves) };
const signedCheckpoint = signCheckpoint(identity, checkpoint);

/** A text as it was said, for `resent`. */
const said = encodeContent({ id: idOf(0), kind: "text", body: { text: "Guten Tag" }, sentAt: at });

/** Bodies of every kind: a kind without one does not compile. */
const bodies: { readonly [Kind in KindName]: readonly DraftOf<Kind>["body"][] } = {
  text: [
    { text: "Guten Tag, Zoë" },
    { text: "👍", reply: { id: first, from: "Zoë", quote: "Guten Tag" } },
  ],
  file: [{
    file: "01890a5d-ac96-7000-8000-000000000004",
    name: "Bericht – März.pdf",
    type: "pdf",
    size: 1_048_577,
    key: toBase64url(ascending(0x60)),
    hash: digest("plaintext"),
    ciphertextHash: digest("ciphertext"),
    chunk: 262_160,
  }],
  archive_seen: [{ position: 3, revision: 2, hash: digest("a sealed batch") }],
  checkpoint: [{ checkpoint: signedCheckpoint }],
  delete: [{ to: first }],
  edit: [{ to: first, text: "Guten Abend" }],
  expiry: [{ after: 3_600_000 }, { after: 0 }],
  reaction: [{ to: first, emoji: "👍🏽", remove: false }, { to: first, emoji: "👍🏽", remove: true }],
  resend: [{ to: accountId, device: toBase64url(device.publicKey), messages: [first, idOf(1)] }],
  resent: [
    {
      said: {
        content: said,
        signature: signContent(device, { conversation, content: said }),
        certificate: certificate.bytes,
      },
    },
    { nothing: [idOf(1)] },
  ],
  group: [{
    name: "friends",
    description: "all of us",
    at,
    epoch: 3,
    roles: [{ account: accountId, role: "owner" }, { account: friendId, role: "member" }],
  }],
  group_ask: [{}],
  group_leave: [{}],
};

function signedContent(draft: Draft, number: number) {
  // From the second on with a time after which they go, where a kind is shown at all.
  const expireAfter = draft.kind === "text" && number > 0 ? { expireAfter: 3_600_000 } : {};
  const content = encodeContent({ ...draft, id: idOf(number), sentAt: at + number, ...expireAfter });
  const signature = toHex(signContent(device, { conversation, content }));
  return { kind: draft.kind, content: fromUtf8(content), signature };
}

const drafts = Object.entries(bodies).flatMap(([kind, some]) =>
  // The table above gives each kind its own bodies; TypeScript does not follow that through `Object.entries`.
  some.map((body) => ({ kind, body }) as Draft)
);

const commitHash = sha256(utf8("the bytes of a commit"));

function refusal(reason: typeof refusalReasons[number]) {
  const fields = { conversation, incarnation: 2, epoch: 7, hash: toBase64url(commitHash), reason };
  const signed = concat(
    labelPrefix("commit refusal"),
    uuidBytes(conversation),
    u64be(fields.incarnation),
    u64be(fields.epoch),
    commitHash,
    utf8(reason),
  );
  return { ...fields, signed: toHex(signed), signature: toHex(signCommitRefusal(device, fields)) };
}

/** A vault with a fixed nonce. */
function vault() {
  const exportKey = ascending(0x00, 64);
  const context = concat(utf8("sealpost/1 vault\0"), Uint8Array.of(1), uuidBytes(accountId));
  const key = new Uint8Array(hkdfSync("sha256", exportKey, new Uint8Array(), context, 32));
  const nonce = ascending(0xa0, 12);
  const archiveKey = ascending(0x20);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(context);
  const ciphertext: Bytes = concat(cipher.update(concat(account.seed, archiveKey)), cipher.final());
  return {
    exportKey: toBase64url(exportKey),
    accountSeed: toHex(account.seed),
    archiveKey: toHex(archiveKey),
    key: toHex(key),
    bytes: toHex(concat(Uint8Array.of(1), nonce, ciphertext, cipher.getAuthTag())),
  };
}

/** The content of `signed.json`. Bytes are lower-case hexadecimal unless the protocol has them in base64url. */
export const signedVectors = {
  device: toHex(device.publicKey),
  account: { id: accountId, key: toHex(account.publicKey) },
  conversation,
  contents: drafts.map(signedContent),
  commitRefusals: refusalReasons.map(refusal),
  directory: {
    origin,
    identity: toHex(identity.publicKey),
    entries: encoded.map(fromUtf8),
    leaves: leaves.map(toHex),
    root: toHex(checkpoint.root),
    text: formatCheckpoint(checkpoint),
    checkpoint: signedCheckpoint,
  },
  vault: vault(),
  safetyNumber: {
    one: { accountId, accountKey: toHex(account.publicKey) },
    other: { accountId: friendId, accountKey: toHex(device.publicKey) },
    digits: safetyNumber(
      { accountId, accountKey: account.publicKey },
      { accountId: friendId, accountKey: device.publicKey },
    ),
  },
};

if (import.meta.main) {
  const text = JSON.stringify(signedVectors, null, 2) + "\n";
  await Deno.writeTextFile(new URL("signed.json", import.meta.url), text);
}

import assert from "node:assert/strict";
import { toBase64url, utf8 } from "../../../lib/base/bytes.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { fingerprint } from "../../../lib/crypto/fingerprint.ts";
import { signLobbyPost } from "../../../lib/crypto/lobby_post.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { encodeContent, signContent } from "../../../client/engine/content/codec.ts";
import { Directory } from "../../../client/engine/directory.ts";
import { formatReceipt, verifyReceipt } from "../../../client/engine/receipt.ts";
import type { ReceiptSource } from "../../../client/engine/unlocked.ts";
import type { Identity } from "../../../client/store/identity.ts";
import { TempFolder } from "../../kit/folder.ts";
import { FakeDirectory } from "./fake_directory.ts";
import { lightProfile, someIdentity } from "./light_profile.ts";

interface World {
  readonly fake: FakeDirectory;
  readonly sam: Identity;
  receipt(source: ReceiptSource): Promise<string>;
}

async function withWorld(use: (world: World) => Promise<void> | void): Promise<void> {
  await using folder = await TempFolder.make();
  const fake = new FakeDirectory();
  const serverKey = fake.identity.publicKey;
  const sam = someIdentity({ name: "Sam", serverKey });
  const me = someIdentity({ name: "erik", serverKey });
  fake.add(me);
  fake.add(sam);
  using profile = lightProfile(folder.path, me);
  const directory = new Directory({
    profile,
    server: fake.server,
    clock: systemClock,
    warn: (text) => assert.fail(text),
  });
  const { certificate } = sam;
  await use({
    fake,
    sam,
    receipt: async (source) => {
      const keys = await directory.keysOf({ name: "sam" });
      return formatReceipt(source, { keys, certificate });
    },
  });
}

const conversation = "11111111-2222-4333-8444-555555555555";

function direct(sam: Identity, text: string): ReceiptSource {
  const content = encodeContent({
    id: conversation,
    kind: "text",
    body: { text },
    sentAt: 1_800_000_000_123,
  });
  const signature = signContent(sam.device, { conversation, content });
  return {
    where: { kind: "direct", conversation },
    from: "Sam",
    content: toBase64url(content),
    signature: toBase64url(signature),
  };
}

function lobby(sam: Identity, text: string): ReceiptSource {
  const post = randomId();
  const sentAt = 1_800_000_000_456;
  const signature = signLobbyPost(sam.device, { post, sentAt, text });
  return {
    where: { kind: "lobby", post, sentAt },
    from: "Sam",
    content: toBase64url(utf8(text)),
    signature: toBase64url(signature),
  };
}

Deno.test("a receipt of a private message proves what was said, by whom and where", () =>
  withWorld(async ({ fake, sam, receipt }) => {
    const verdict = verifyReceipt(await receipt(direct(sam, "I owe you 10")));
    assert.ok(verdict.kind === "valid");
    const { facts } = verdict;
    assert.equal(facts.text, "I owe you 10");
    assert.equal(facts.from, "Sam");
    assert.equal(facts.conversation, conversation);
    assert.equal(facts.sentAt, 1_800_000_000_123);
    assert.equal(facts.account, sam.certificate.accountId);
    assert.equal(facts.serverFingerprint, fingerprint(fake.identity.publicKey));
    assert.equal(facts.accountFingerprint, fingerprint(sam.accountKey.publicKey));
    assert.equal(facts.logSize, 4);
  }));

Deno.test("a receipt of a lobby post proves the same", () =>
  withWorld(async ({ sam, receipt }) => {
    const verdict = verifyReceipt(await receipt(lobby(sam, "hello äll")));
    assert.ok(verdict.kind === "valid");
    assert.equal(verdict.facts.kind, "lobby");
    assert.equal(verdict.facts.text, "hello äll");
  }));

Deno.test("every change to a receipt makes it worthless", () =>
  withWorld(async ({ sam, receipt }) => {
    const whole: Record<string, unknown> = JSON.parse(await receipt(direct(sam, "I owe you 10")));
    const other = toBase64url(
      encodeContent({ id: conversation, kind: "text", body: { text: "99" }, sentAt: 1 }),
    );
    const changes: Record<string, unknown> = {
      v: 2,
      type: "message",
      kind: "lobby",
      server: toBase64url(generateSigningKey().publicKey),
      conversation: randomId(),
      from: "mallory",
      content: other,
      signature: toBase64url(new Uint8Array(64)),
      certificate: toBase64url(
        someIdentity({ name: "Sam", serverKey: generateSigningKey().publicKey }).certificate.bytes,
      ),
      entry: toBase64url(utf8("{}")),
      index: 0,
      path: [],
      checkpoint: "",
    };
    for (const [field, value] of Object.entries(changes)) {
      assert.ok(Object.hasOwn(whole, field), field);
      const verdict = verifyReceipt(JSON.stringify({ ...whole, [field]: value }));
      assert.equal(verdict.kind, "invalid", field);
      const { [field]: _, ...rest } = whole;
      assert.equal(verifyReceipt(JSON.stringify(rest)).kind, "invalid", `without ${field}`);
    }
  }));

Deno.test("every flipped character of the binary parts is noticed", () =>
  withWorld(async ({ sam, receipt }) => {
    const whole = JSON.parse(await receipt(direct(sam, "I owe you 10")));
    for (const field of ["content", "signature", "certificate", "entry", "checkpoint"]) {
      const text: string = whole[field];
      for (let at = 0; at < text.length; at += 5) {
        const flipped = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
        const verdict = verifyReceipt(JSON.stringify({ ...whole, [field]: flipped }));
        assert.equal(verdict.kind, "invalid", `${field} at ${at}`);
      }
    }
  }));

Deno.test("a receipt under another account's certificate or log entry is worthless", () =>
  withWorld(async ({ fake, sam, receipt }) => {
    const mallory = someIdentity({ name: "Mallory", serverKey: fake.identity.publicKey });
    fake.add(mallory);
    const whole = JSON.parse(await receipt(direct(mallory, "I owe you 10")));
    assert.equal(verifyReceipt(JSON.stringify(whole)).kind, "invalid", "signed by another device");
    const certificate = toBase64url(mallory.certificate.bytes);
    const own = fake.keysOf("mallory");
    const verdict = verifyReceipt(JSON.stringify({ ...whole, certificate }));
    assert.equal(verdict.kind, "invalid", "the entry is Sam's");
    const { entry, index, path, checkpoint } = own;
    const all = { ...whole, certificate, entry, index, path, checkpoint };
    assert.equal(verifyReceipt(JSON.stringify(all)).kind, "invalid", "it says from Sam");
    const honest = verifyReceipt(JSON.stringify({ ...all, from: "Mallory" }));
    assert.ok(honest.kind === "valid" && honest.facts.from === "Mallory");
    assert.ok(sam.certificate.name === "Sam");
  }));

Deno.test("what is no receipt is invalid, never an exception", () => {
  for (const text of ["", "{}", "[]", "null", "7", '{"v":1}', "x".repeat(300_000), '{"path":7}']) {
    assert.equal(verifyReceipt(text).kind, "invalid", text.slice(0, 20));
  }
});

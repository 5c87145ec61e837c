import assert from "node:assert/strict";
import fc from "fast-check";
import { fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { randomId } from "../../lib/base/ids.ts";
import { issueDeviceCertificate, issueRevocation } from "../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../lib/crypto/sign.ts";
import {
  decodeEntry,
  type DirectoryEntry,
  encodeEntry,
  maxEntryBytes,
} from "../../lib/directory/entry.ts";

const isMalformed = (error: unknown) => error instanceof AppError && error.code === "malformed";

function samples(): DirectoryEntry[] {
  const accountKey = generateSigningKey();
  const deviceKey = generateSigningKey().publicKey;
  const accountId = randomId();
  const name = "x".repeat(32);
  const serverKey = generateSigningKey().publicKey;
  const certificate = issueDeviceCertificate({
    name,
    accountId,
    serverKey,
    accountKey,
    deviceKey,
    createdAt: 5,
  }).bytes;
  const revocation = issueRevocation({ accountKey, accountId, deviceKey, revokedAt: 6 }).bytes;
  return [
    { v: 1, type: "account", name, accountId, accountKey: accountKey.publicKey, at: 4 },
    { v: 1, type: "device", accountId, certificate },
    { v: 1, type: "revocation", accountId, revocation },
    { v: 1, type: "removal", accountId, at: 7 },
  ];
}

Deno.test("every kind of entry decodes to what was encoded", () => {
  for (const entry of samples()) {
    const bytes = encodeEntry(entry);
    assert.ok(bytes.length <= maxEntryBytes);
    assert.deepEqual(decodeEntry(bytes), entry);
  }
});

Deno.test("an account entry is exactly this JSON text", () => {
  const bytes = encodeEntry({
    v: 1,
    type: "account",
    name: "Sam",
    accountId: "01020304-0506-4708-890a-0b0c0d0e0f10",
    accountKey: new Uint8Array(32).fill(255),
    at: 1_795_000_000_123,
  });
  assert.equal(
    fromUtf8(bytes),
    '{"v":1,"type":"account","name":"Sam","accountId":"01020304-0506-4708-890a-0b0c0d0e0f10",' +
      `"accountKey":"${"_".repeat(42)}8","at":1795000000123}`,
  );
});

Deno.test("an entry with a field too many, too few, doubled, reordered or of another kind is refused", () => {
  const [account] = samples();
  assert.ok(account);
  const text = fromUtf8(encodeEntry(account));
  const texts = [
    text.replace('"v":1', '"v":2'),
    text.replace('"v":1,', ""),
    text.replace('"v":1', '"v":1,"v":1'),
    text.replace('"v":1', '"v":1.0'),
    text.replace('"v":1', '"v": 1'),
    text.replace('"v":1,"type":"account"', '"type":"account","v":1'),
    text.replace('"at":4', '"at":4,"more":1'),
    text.replace(',"at":4', ""),
    text.replace('"at":4', '"at":"4"'),
    text.replace('"at":4', '"at":-4'),
    text.replace('"at":4', '"at":4.5'),
    text.replace('"at":4', '"at":1e300'),
    text.replace('"at":4', '"__proto__":4'),
    text.replace('"type":"account"', '"type":"device"'),
    text.replace('"type":"account"', '"type":"other"'),
    text.replace('"type":"account"', '"type":["account"]'),
    text.replace(/"accountKey":"./, '"accountKey":"!'),
    text.replace(/"accountKey":".{4}/, '"accountKey":"'),
    text.replace(/"name":"x/, '"name":" '),
    text.replace(/"accountId":"./, '"accountId":"G'),
    text + " ",
    "[" + text + "]",
    "null",
    '"x"',
    "",
    "{",
  ];
  for (const changed of texts) {
    assert.throws(() => decodeEntry(utf8(changed)), isMalformed, changed);
  }
});

Deno.test("any bytes are malformed, and large ones are not even parsed", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    assert.throws(() => decodeEntry(bytes), isMalformed);
  }));
  fc.assert(fc.property(fc.json(), (text) => {
    assert.throws(() => decodeEntry(utf8(text)), isMalformed);
  }));
  assert.throws(() => decodeEntry(utf8("[".repeat(1e6))), isMalformed);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, fromHex, toHex, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import {
  generateSigningKey,
  labelPrefix,
  labels,
  signBytes,
  signingKeyFromSeed,
  verify,
  verifyBytes,
  VerifyingKey,
} from "../../lib/crypto/sign.ts";

/** RFC 8032 section 7.1: seed, public key, message, signature. */
const rfc8032 = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555" +
      "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0" +
      "85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1" +
      "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
  {
    seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    message: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2" +
      "192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    signature: "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b5890" +
      "9351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  },
];

Deno.test("signatures are those of RFC 8032", () => {
  for (const vector of rfc8032) {
    const key = signingKeyFromSeed(fromHex(vector.seed));
    const message = fromHex(vector.message);
    assert.equal(toHex(key.publicKey), vector.publicKey);
    assert.equal(toHex(signBytes(key, message)), vector.signature);
    const verifying = new VerifyingKey(key.publicKey);
    assert.ok(verifyBytes(verifying, fromHex(vector.signature), message));
  }
});

Deno.test("a labelled signature covers the label, a NUL and the parts", () => {
  const key = generateSigningKey();
  const parts = [utf8("one"), utf8("two")];
  assert.deepEqual(labelPrefix("frame"), utf8("sealpost/1 frame\0"));
  assert.deepEqual(
    key.sign("frame", ...parts),
    signBytes(key, concat(utf8("sealpost/1 frame\0onetwo"))),
  );
  assert.ok(verify(key.publicKey, "frame", key.sign("frame", ...parts), ...parts));
});

Deno.test("a signature for one label holds for no other, and no label begins another", () => {
  const key = generateSigningKey();
  const verifying = new VerifyingKey(key.publicKey);
  const signature = key.sign("lobby", utf8("text"));
  for (const label of labels) {
    assert.equal(verifying.verify(label, signature, utf8("text")), label === "lobby");
  }
  assert.equal(new Set(labels).size, labels.length);
  assert.ok(labels.every((label) => !label.includes("\0")));
});

Deno.test("a signature with any flipped bit is refused", () => {
  const key = generateSigningKey();
  const verifying = new VerifyingKey(key.publicKey);
  const message = utf8("the message");
  const signature = key.sign("content", message);
  for (let bit = 0; bit < signature.length * 8; bit++) {
    const flipped = signature.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(verifying.verify("content", flipped, message), false, `bit ${bit}`);
  }
});

Deno.test("any changed message is refused", () => {
  const key = generateSigningKey();
  const verifying = new VerifyingKey(key.publicKey);
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (signed, other) => {
      const signature = key.sign("content", signed);
      assert.equal(
        verifying.verify("content", signature, other),
        toHex(signed) === toHex(other),
      );
    }),
    { numRuns: 50 },
  );
});

Deno.test("a signature of another length is just false", () => {
  const key = generateSigningKey();
  const verifying = new VerifyingKey(key.publicKey);
  const signature = key.sign("content");
  for (const wrong of [new Uint8Array(), signature.slice(1), concat(signature, signature)]) {
    assert.equal(verifying.verify("content", wrong), false);
  }
});

Deno.test("a second signature made by adding the group order is refused", () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const key = generateSigningKey();
  const signature = key.sign("content", utf8("x"));
  const s = BigInt("0x" + toHex(signature.slice(32).reverse()));
  const moved = fromHex((s + order).toString(16).padStart(64, "0")).reverse();
  const malleated = concat(signature.slice(0, 32), moved);
  assert.equal(verify(key.publicKey, "content", malleated, utf8("x")), false);
});

Deno.test("keys of another length or of small order are malformed", () => {
  const identity = fromHex("01" + "00".repeat(31));
  const negativeIdentity = fromHex("01" + "00".repeat(30) + "80");
  for (
    const wrong of [
      new Uint8Array(),
      new Uint8Array(31),
      new Uint8Array(33),
      new Uint8Array(32),
      identity,
      negativeIdentity,
      fromHex("ec" + "ff".repeat(30) + "7f"),
    ]
  ) {
    assert.throws(
      () => new VerifyingKey(wrong),
      (error) => error instanceof AppError && error.code === "malformed",
    );
  }
  assert.throws(() => signingKeyFromSeed(new Uint8Array(31)), AppError);
});

Deno.test("a key that is no point on the curve is malformed, or verifies nothing", () => {
  const signature = generateSigningKey().sign("content");
  const noPoint = fromHex("02" + "00".repeat(31));
  try {
    assert.equal(verify(noPoint, "content", signature), false);
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === "malformed");
  }
});

Deno.test("a key object made elsewhere signs by its seed, and copies do not follow their source", () => {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const key = signingKeyFromSeed(seed);
  const again = { ...key };
  assert.deepEqual(signBytes(again, utf8("x")), signBytes(key, utf8("x")));
  const before = key.sign("content");
  seed.fill(0);
  assert.deepEqual(key.sign("content"), before);
});

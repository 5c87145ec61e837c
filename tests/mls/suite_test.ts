import assert from "node:assert/strict";
import fc from "fast-check";
import { makeAead } from "ts-mls/crypto/implementation/default/makeAead.js";
import { makeHashImpl } from "ts-mls/crypto/implementation/default/makeHashImpl.js";
import { makeKdf, makeKdfImpl } from "ts-mls/crypto/implementation/default/makeKdfImpl.js";
import { makeNobleSignatureImpl } from "ts-mls/crypto/implementation/default/makeNobleSignatureImpl.js";
import { aead, hash, kdf, signature } from "../../lib/mls/suite.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const some = fc.uint8Array({ maxLength: 200 });

Deno.test("our hash, MAC and key derivation give what the library's own give", async () => {
  const theirs = makeHashImpl(crypto.subtle, "SHA-512");
  const theirKdf = makeKdfImpl(makeKdf("HKDF-SHA512"));
  assert.equal(kdf.size, theirKdf.size);
  await fc.assert(
    fc.asyncProperty(
      bytes(64),
      some,
      fc.integer({ min: 1, max: 200 }),
      async (key, data, length) => {
        assert.deepEqual(await hash.digest(data), await theirs.digest(data));
        const mac = await theirs.mac(key, data);
        assert.deepEqual(await hash.mac(key, data), mac);
        assert.ok(await hash.verifyMac(key, mac, data));
        assert.equal(await hash.verifyMac(key, mac.subarray(1), data), false);
        assert.deepEqual(await kdf.extract(key, data), await theirKdf.extract(key, data));
        assert.deepEqual(
          await kdf.expand(key, data, length),
          await theirKdf.expand(key, data, length),
        );
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("our AEAD opens what the library's own seals, and the other way round", async () => {
  const [theirs] = await makeAead("AES256GCM");
  await fc.assert(
    fc.asyncProperty(bytes(32), bytes(12), some, some, async (key, nonce, aad, plaintext) => {
      const sealed = await aead.encrypt(key, nonce, aad, plaintext);
      assert.deepEqual(sealed, await theirs.encrypt(key, nonce, aad, plaintext));
      assert.deepEqual(await aead.decrypt(key, nonce, aad, sealed), plaintext);
      const damaged = sealed.with(0, (sealed[0] ?? 0) ^ 1);
      await assert.rejects(aead.decrypt(key, nonce, aad, damaged));
      await assert.rejects(aead.decrypt(key, nonce, aad, sealed.subarray(0, 15)));
    }),
    { numRuns: 50 },
  );
});

Deno.test("our signatures are the library's", async () => {
  const theirs = await makeNobleSignatureImpl("Ed25519");
  const { publicKey, signKey } = await signature.keygen();
  const message = new Uint8Array([1, 2, 3]);
  const signed = await signature.sign(signKey, message);
  assert.deepEqual(signed, await theirs.sign(signKey, message));
  assert.ok(await theirs.verify(publicKey, message, signed));
  assert.ok(await signature.verify(publicKey, message, signed));
  assert.equal(await signature.verify(publicKey, message, signed.subarray(1)), false);
  await assert.rejects(signature.verify(new Uint8Array(32), message, signed));
});

import assert from "node:assert/strict";
import { AppError } from "../../lib/base/errors.ts";
import { unwrapProfileKey, wrapProfileKey } from "../../lib/crypto/profile_key.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const isMalformed = (error: unknown) => error instanceof AppError && error.code === "malformed";

Deno.test("the password gives the profile key back, another password nothing", async () => {
  const profileKey = random(32);
  const wrapped = await wrapProfileKey("caf\u00e9 au lait", profileKey);
  assert.equal(wrapped.length, 80);
  assert.deepEqual(await unwrapProfileKey("cafe\u0301 au lait", wrapped), profileKey);
  assert.equal(await unwrapProfileKey("cafe au lait", wrapped), undefined);
});

Deno.test("damage to the salt or the sealed key looks like a wrong password", async () => {
  const wrapped = await wrapProfileKey("secret", random(32));
  for (const at of [4, wrapped.length - 1]) {
    const changed = wrapped.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(await unwrapProfileKey("secret", changed), undefined);
  }
});

Deno.test("parameters that ask too much of the machine, and other lengths, are malformed", async () => {
  const wrapped = random(80);
  const headers = [[2, 17, 8, 1], [1, 31, 8, 1], [1, 9, 8, 1], [1, 17, 0, 1], [1, 17, 8, 255]];
  for (const header of headers) {
    wrapped.set(header);
    await assert.rejects(unwrapProfileKey("secret", wrapped), isMalformed, String(header));
  }
  await assert.rejects(unwrapProfileKey("secret", new Uint8Array()), isMalformed);
  await assert.rejects(unwrapProfileKey("secret", random(81)), isMalformed);
  await assert.rejects(wrapProfileKey("secret", random(16)), RangeError);
});

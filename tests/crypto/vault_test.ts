import assert from "node:assert/strict";
import { toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { randomId } from "../../lib/base/ids.ts";
import { openVault, sealVault } from "../../lib/crypto/vault.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const hasCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

function sample() {
  const exportKey = toBase64url(random(64));
  const secrets = { accountSeed: random(32), archiveKey: random(32) };
  const owner = { accountId: randomId() };
  return { exportKey, secrets, owner, vault: sealVault(exportKey, secrets, owner) };
}

Deno.test("a vault gives its secrets back", () => {
  const { exportKey, secrets, owner, vault } = sample();
  assert.deepEqual(openVault(exportKey, vault, owner), secrets);
  assert.equal(vault.length, 1 + 64 + 28);
});

Deno.test("a vault opens neither with another export key nor for another account", () => {
  const { exportKey, owner, vault } = sample();
  assert.throws(() => openVault(toBase64url(random(64)), vault, owner), hasCode("tampered"));
  const other = { accountId: randomId() };
  assert.throws(() => openVault(exportKey, vault, other), hasCode("tampered"));
});

Deno.test("a vault with any changed byte is refused", () => {
  const { exportKey, owner, vault } = sample();
  for (let at = 1; at < vault.length; at++) {
    const changed = vault.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    assert.throws(() => openVault(exportKey, changed, owner), hasCode("tampered"), `byte ${at}`);
  }
});

Deno.test("a vault of an unknown version says so", () => {
  const { exportKey, owner, vault } = sample();
  const newer = vault.slice();
  newer[0] = 2;
  assert.throws(() => openVault(exportKey, newer, owner), hasCode("unsupported_version"));
  assert.throws(
    () => openVault(exportKey, new Uint8Array(), owner),
    hasCode("unsupported_version"),
  );
});

Deno.test("secrets of another length are not put into a vault", () => {
  const { exportKey, secrets, owner } = sample();
  const short = { ...secrets, archiveKey: random(31) };
  assert.throws(() => sealVault(exportKey, short, owner), RangeError);
});

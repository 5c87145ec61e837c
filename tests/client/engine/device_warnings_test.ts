import assert from "node:assert/strict";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { DeviceWarnings } from "../../../client/engine/device_warnings.ts";

function deviceOf(name: string, accountId: string) {
  return issueDeviceCertificate({
    name,
    accountId,
    serverKey: generateSigningKey().publicKey,
    accountKey: generateSigningKey(),
    deviceKey: generateSigningKey().publicKey,
    createdAt: Date.UTC(2026, 10, 21),
  });
}

Deno.test("a device is spoken of once when it comes and once when it goes, in however many conversations", () => {
  const [own, other] = [crypto.randomUUID(), crypto.randomUUID()];
  const warnings = new DeviceWarnings({
    own: { account: own },
    people: { nameOf: ({ name }) => name },
  });
  const [mine, bobbys] = [deviceOf("alice", own), deviceOf("bobby", other)];
  const came = { added: [mine, bobbys], removed: [] };
  const entering = [
    "your account uses a new device (since 2026-11-21)",
    "bobby uses a new device (since 2026-11-21)",
  ];
  assert.deepEqual(warnings.of(came, { hash: "a" }), entering);
  assert.deepEqual(warnings.of(came, { hash: "a" }), entering, "begun anew before it was told");
  assert.deepEqual(warnings.of(came, { hash: "b" }), []);
  const went = { added: [], removed: [bobbys] };
  assert.deepEqual(warnings.of(went, { hash: "c" }), ["a device of bobby was removed"]);
  assert.deepEqual(warnings.of(went, { hash: "d" }), []);
});

/** A server that lies: it is found out, and what it was to get hold of stays where it is. */
import assert from "node:assert/strict";
import { concat, fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { createKeyPackage } from "../../../lib/mls/mod.ts";
import type { Engine } from "../../../client/engine/api.ts";
import { EvilServer } from "./evil.ts";
import { type DeviceFacts, message, nextEvent, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

/** A device that passes itself off as one of the account's, certified by a key that is not the account's. */
function impostor(victim: DeviceFacts) {
  const [accountKey, device] = [generateSigningKey(), generateSigningKey()];
  const certificate = issueDeviceCertificate({
    name: victim.name,
    accountId: victim.account,
    serverKey: fromBase64url(victim.server.identity),
    accountKey,
    deviceKey: device.publicKey,
    createdAt: Date.now(),
  });
  return { accountKey, device, certificate };
}

async function failsWith(alice: Engine, name: string, problem: RegExp) {
  const warned = nextEvent(alice, (event) => event.kind === "warning");
  const sent = await alice.send(to(name), "secret");
  const failed = await alice.waitFor(sent.id, "sent", patience());
  assert.equal(failed.state, "failed");
  assert.match(failed.problem ?? "", problem);
  await warned;
}

const test = storiesOf("a server that lies");

test("a swapped key package is refused, with a warning, and nothing is sent", async (village) => {
  const bobbyFacts = await village.device("bobby");
  await village.briefly(bobbyFacts);
  const facts = await village.device("alice");
  await using evil = EvilServer.start(village, facts);
  const rogue = await createKeyPackage(impostor(bobbyFacts), {
    now: Date.now(),
    lastResort: false,
  });
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "keypackages.claim.ok" || message.packages.length === 0) return arrived;
    const [first] = message.packages;
    assert.ok(first);
    const { length } = rogue.keyPackage;
    const packages = [{ ...first, ref: rogue.ref, length }];
    return { message: { ...message, packages, body: length }, body: rogue.keyPackage };
  };
  const alice = await village.open(facts, { port: evil.port });
  await failsWith(alice, "bobby", /not bobby's/);
  assert.ok(!evil.asked.includes("conversation.create"));
  assert.ok(!evil.asked.includes("message.send"));
});

test("key packages of a device that the account did not certify are refused", async (village) => {
  const bobbyFacts = await village.device("bobby2");
  await village.briefly(bobbyFacts);
  const facts = await village.device("alice2");
  await using evil = EvilServer.start(village, facts);
  const extra = impostor(bobbyFacts);
  const rogue = await createKeyPackage(extra, { now: Date.now(), lastResort: false });
  evil.bend = (arrived) => {
    const { message, body } = arrived;
    if (message.type !== "keypackages.claim.ok") return arrived;
    const { length } = rogue.keyPackage;
    const device = toBase64url(extra.device.publicKey);
    const packages = [...message.packages, { device, ref: rogue.ref, lastResort: false, length }];
    const both = concat(body, rogue.keyPackage);
    return { message: { ...message, packages, body: both.length }, body: both };
  };
  const alice = await village.open(facts, { port: evil.port });
  await failsWith(alice, "bobby2", /not bobby2's/);
  assert.ok(!evil.asked.includes("conversation.create"));
});

test("an account key that the directory's log does not hold is refused", async (village) => {
  const bobbyFacts = await village.device("bobby3");
  await village.briefly(bobbyFacts);
  const facts = await village.device("alice3");
  await using evil = EvilServer.start(village, facts);
  const { accountKey, certificate } = impostor(bobbyFacts);
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "directory.keys.ok" || message.name !== "bobby3") return arrived;
    const certificates = [toBase64url(certificate.bytes)];
    const swapped = { ...message, accountKey: toBase64url(accountKey.publicKey), certificates };
    return { ...arrived, message: swapped };
  };
  const alice = await village.open(facts, { port: evil.port });
  const sent = await alice.send(to("bobby3"), "secret");
  assert.equal((await alice.waitFor(sent.id, "sent", patience())).state, "failed");
  assert.ok(!evil.asked.includes("keypackages.claim"));
  assert.ok(!evil.asked.includes("message.send"));
});

test("a certificate by another key than the account's is refused", async (village) => {
  const bobbyFacts = await village.device("bobby4");
  await village.briefly(bobbyFacts);
  const facts = await village.device("alice4");
  await using evil = EvilServer.start(village, facts);
  const { certificate } = impostor(bobbyFacts);
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "directory.keys.ok" || message.name !== "bobby4") return arrived;
    const certificates = [...message.certificates, toBase64url(certificate.bytes)];
    return { ...arrived, message: { ...message, certificates } };
  };
  const alice = await village.open(facts, { port: evil.port });
  const sent = await alice.send(to("bobby4"), "secret");
  assert.equal((await alice.waitFor(sent.id, "sent", patience())).state, "failed");
  assert.ok(!evil.asked.includes("message.send"));
});

test("a message that the server says is by somebody else is shown as unreadable, with a warning", async (village) => {
  const bobbyFacts = await village.device("bobby5");
  await using evil = EvilServer.start(village, bobbyFacts);
  const bobby = await village.open(bobbyFacts, { port: evil.port });
  const alice = await village.online("alice5");
  await alice.send(to("bobby5"), "one");
  await message(bobby, "one");
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "message") return arrived;
    return { ...arrived, message: { ...message, account: crypto.randomUUID() } };
  };
  const warned = nextEvent(bobby, (event) => event.kind === "warning");
  const shown = nextEvent(
    bobby,
    (event) => event.kind === "message" && event.message.kind === "unreadable",
  );
  await alice.send(to("bobby5"), "two");
  await Promise.all([warned, shown]);
  evil.bend = (arrived) => arrived;
  await alice.send(to("bobby5"), "three");
  await message(bobby, "three");
});

test("a changed ciphertext is shown as unreadable, and what follows is read", async (village) => {
  const bobbyFacts = await village.device("bobby6");
  await using evil = EvilServer.start(village, bobbyFacts);
  const bobby = await village.open(bobbyFacts, { port: evil.port });
  const alice = await village.online("alice6");
  await alice.send(to("bobby6"), "one");
  await message(bobby, "one");
  evil.bend = (arrived) => {
    if (arrived.message.type !== "message") return arrived;
    const body = new Uint8Array(arrived.body);
    body[body.length - 20] = (body[body.length - 20] ?? 0) ^ 1;
    return { ...arrived, body };
  };
  const shown = nextEvent(
    bobby,
    (event) => event.kind === "message" && event.message.kind === "unreadable",
  );
  await alice.send(to("bobby6"), "two");
  const event = await shown;
  assert.ok(event.kind === "message");
  assert.match(event.message.text, /could not be read/);
  evil.bend = (arrived) => arrived;
  await alice.send(to("bobby6"), "three");
  await message(bobby, "three");
});

test("a commit that was changed on the way does not stop the conversation: the device joins again", async (village) => {
  const bobbyFacts = await village.device("bobby7");
  await using evil = EvilServer.start(village, bobbyFacts);
  const bobby = await village.open(bobbyFacts, { port: evil.port });
  const alice = await village.online("alice7");
  await alice.send(to("bobby7"), "one");
  await message(bobby, "one");
  evil.bend = (arrived) => {
    if (arrived.message.type !== "commit") return arrived;
    const body = new Uint8Array(arrived.body);
    body[body.length - 40] = (body[body.length - 40] ?? 0) ^ 1;
    return { ...arrived, body };
  };
  const warned = nextEvent(bobby, (event) => event.kind === "warning");
  const alice2 = await village.online("alice7");
  await warned;
  evil.bend = (arrived) => arrived;
  await bobby.send(to("alice7"), "still here");
  for (const each of [alice, alice2]) await message(each, "still here");
  await alice2.send(to("bobby7"), "from the new device");
  await message(bobby, "from the new device");
});

test("a forged post in the lobby is not shown as its supposed author's", async (village) => {
  const bobbyFacts = await village.device("bobby8");
  await using evil = EvilServer.start(village, bobbyFacts);
  const bobby = await village.open(bobbyFacts, { port: evil.port });
  const alice = await village.online("alice8");
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "lobby") return arrived;
    return { ...arrived, message: { ...message, text: "I owe you 100" } };
  };
  const shown = nextEvent(bobby, (event) => event.kind === "message");
  await alice.send({ kind: "lobby" }, "good morning");
  const event = await shown;
  assert.ok(event.kind === "message" && event.message.kind === "unreadable");
  assert.doesNotMatch(event.message.text, /100/);
});

test("a welcome into a group with a stranger in the server's roster is refused", async (village) => {
  const bobbyFacts = await village.device("bobby9");
  await using evil = EvilServer.start(village, bobbyFacts);
  const bobby = await village.open(bobbyFacts, { port: evil.port });
  const alice = await village.online("alice9");
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "welcome") return arrived;
    const device = toBase64url(generateSigningKey().publicKey);
    const roster = [...message.roster, { account: bobbyFacts.account, device }];
    return { ...arrived, message: { ...message, roster } };
  };
  const warned = nextEvent(
    bobby,
    (event) => event.kind === "warning" && /refused/.test(event.text),
  );
  await alice.send(to("bobby9"), "hello");
  await warned;
});

test("rows that cannot be taken in for a while are not overtaken by later ones", async (village) => {
  const bobbyFacts = await village.device("bobby10");
  await using evil = EvilServer.start(village, bobbyFacts);
  const bobby = await village.open(bobbyFacts, { port: evil.port });
  const alice = await village.online("alice10");
  let refused = 0;
  const recovered = Promise.withResolvers<void>();
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "directory.keys.ok" || message.name !== "alice10") return arrived;
    if (refused++ === 2) recovered.resolve();
    if (refused > 2) return arrived;
    const error = { code: "internal", message: "no", retry: "later", connection: "x" } as const;
    return { message: { type: "error", id: message.id, ...error }, body: new Uint8Array() };
  };
  for (const text of ["one", "two"]) await alice.send(to("bobby10"), text);
  await alice.send(to("bobby10"), "three");
  await recovered.promise;
  await message(bobby, "three");
  const texts = (await bobby.history({ target: to("alice10") })).map(({ text }) => text);
  assert.deepEqual(texts, ["one", "two", "three"]);
});

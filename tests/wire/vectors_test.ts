import assert from "node:assert/strict";
import { concat, fromHex, toHex, u32be, u64be, utf8 } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { readDeviceCertificate, readRevocation } from "../../lib/crypto/certificate.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import { signingKeyFromSeed, VerifyingKey } from "../../lib/crypto/sign.ts";
import { FrameReader, verifyFrame } from "../../lib/wire/frame.ts";
import { readClientHello, readServerHello, sessionId } from "../../lib/wire/handshake.ts";
import { readMessages } from "../../lib/wire/read_messages.ts";
import vectors from "../vectors/wire.json" with { type: "json" };
import { wireVectors } from "../vectors/make_wire.ts";

function read(hex: string) {
  const reader = new FrameReader();
  reader.push(fromHex(hex));
  const raw = reader.next();
  assert.ok(raw);
  return raw;
}

Deno.test("the vectors are what the code makes today", () => {
  assert.deepEqual(vectors, JSON.parse(JSON.stringify(wireVectors)));
});

Deno.test("the vectors' hellos verify and lead to the session id", () => {
  const { server, client, sessionId: wanted } = vectors.hellos;
  const [first, second] = [read(server.frame), read(client.frame)];
  assert.equal(toHex(readServerHello(first).key.bytes), vectors.keys.identity.publicKey);
  assert.equal(toHex(readClientHello(second).key.bytes), vectors.keys.device.publicKey);
  assert.equal(toHex(sessionId(first.bytes, second.bytes)), wanted);
  const byHand = sha256(utf8("sealpost/1 session\0"), fromHex(server.frame), fromHex(client.frame));
  assert.equal(toHex(byHand), wanted);
});

Deno.test("the vectors' frames verify, and are laid out as the document says", () => {
  for (const { direction, counter, header, bodies, signed, signature, frame } of vectors.frames) {
    const key = direction === 0 ? vectors.keys.device : vectors.keys.identity;
    const body = concat(...bodies.map(fromHex));
    const head = utf8(header);
    const content = concat(u32be(head.length), u32be(body.length), head, body);
    const session = fromHex(vectors.hellos.sessionId);
    const lead = concat(
      utf8("sealpost/1 frame\0"),
      session,
      Uint8Array.of(direction),
      u64be(counter),
    );
    assert.equal(toHex(concat(lead, content)), signed);
    assert.equal(toHex(content) + signature, frame);
    assert.ok(
      new VerifyingKey(fromHex(key.publicKey)).verifyBytes(fromHex(signature), fromHex(signed)),
    );
    const raw = read(frame);
    const verifying = new VerifyingKey(signingKeyFromSeed(fromHex(key.seed)).publicKey);
    const context = { sessionId: session, direction: direction === 0 ? 0 : 1, counter } as const;
    assert.ok(verifyFrame(raw, { ...context, key: verifying }));
    const arrived = readMessages(raw, direction === 0 ? "client" : "server");
    assert.deepEqual(arrived.map(({ message }) => message), JSON.parse(header));
    const slices = arrived.filter(({ message }) => "body" in message).map((one) => toHex(one.body));
    assert.deepEqual(slices, bodies);
  }
});

Deno.test("the vectors' bad headers are refused with their codes", () => {
  for (const { code, header } of vectors.refused) {
    const refuse = () => readMessages({ header: utf8(header), body: new Uint8Array() }, "client");
    assert.throws(refuse, (thrown) => thrown instanceof AppError && thrown.code === code, header);
  }
});

Deno.test("the vectors' content is signed as the document says", () => {
  const { conversation, content, signature } = vectors.content;
  const id = fromHex(conversation.replaceAll("-", ""));
  const signed = concat(utf8("sealpost/1 content\0"), id, utf8(content));
  const key = new VerifyingKey(fromHex(vectors.keys.device.publicKey));
  assert.ok(key.verifyBytes(fromHex(signature), signed));
});

Deno.test("the vectors' certificate, revocation and lobby post verify", () => {
  const certificate = readDeviceCertificate(fromHex(vectors.deviceCertificate.bytes));
  assert.equal(certificate.name, vectors.deviceCertificate.name);
  assert.equal(toHex(certificate.deviceKey), vectors.keys.device.publicKey);
  const revocation = readRevocation(fromHex(vectors.deviceRevocation.bytes));
  assert.equal(revocation.revokedAt, vectors.deviceRevocation.revokedAt);
  const { post, sentAt, text, signature } = vectors.lobbyPost;
  const signed = concat(
    utf8("sealpost/1 lobby\0"),
    fromHex(post.replaceAll("-", "")),
    u64be(sentAt),
    utf8(text),
  );
  const key = new VerifyingKey(fromHex(vectors.keys.device.publicKey));
  assert.ok(key.verifyBytes(fromHex(signature), signed));
});

Deno.test("the vectors' item of an outbox has the digest that the document says", () => {
  const { item, body, digest } = vectors.peerItem;
  assert.equal(toHex(sha256(utf8(`${item}\0`), fromHex(body))), digest);
});

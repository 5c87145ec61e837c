import assert from "node:assert/strict";
import { utf8 } from "../../lib/base/bytes.ts";
import { add, pair, received, reloaded, send } from "./kit.ts";

Deno.test("two people exchange messages, each knowing who sent what", async () => {
  const { a, b, alice, bob } = await pair();
  assert.deepEqual(a.epochAuthenticator, b.epochAuthenticator);
  assert.equal(a.epoch, 1);
  const sent = await a.encrypt(utf8("hello"), utf8("header"));
  const got = await received(b, sent.message);
  assert.deepEqual(got.plaintext, utf8("hello"));
  assert.deepEqual(got.authenticatedData, utf8("header"));
  assert.deepEqual(got.sender, { leafIndex: 0, certificate: alice.identity.certificate });
  assert.deepEqual([got.epoch, got.generation], [1, 0]);
  const back = await got.group.encrypt(utf8("hello yourself"));
  const answer = await received(sent.group, back.message);
  assert.deepEqual(answer.plaintext, utf8("hello yourself"));
  assert.deepEqual(answer.sender.certificate, bob.identity.certificate);
});
void add;
void reloaded;
void send;

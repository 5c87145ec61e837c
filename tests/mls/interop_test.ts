import assert from "node:assert/strict";
import { joinGroup } from "ts-mls/clientState.js";
import { createCommit } from "ts-mls/createCommit.js";
import { createApplicationMessage } from "ts-mls/createMessage.js";
import { processPublicMessage } from "ts-mls/processMessages.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { utf8 } from "../../lib/base/bytes.ts";
import { clientConfig } from "../../lib/mls/credential.ts";
import { decodePrivate } from "../../lib/mls/key_package.ts";
import { decodeMessage, encodeMessage } from "../../lib/mls/message.ts";
import { createKeyPackage, joinFromWelcome } from "../../lib/mls/mod.ts";
import { cipherSuite } from "../../lib/mls/suite.ts";
import { inside } from "./forge.ts";
import {
  account,
  applied,
  as,
  assertRefused,
  commit,
  device,
  newGroup,
  now,
  received,
} from "./kit.ts";

const suite = await cipherSuite();

Deno.test("the library's own steps join by our welcome, and follow our commits", async () => {
  const [alice, bob] = [device(account("alice")), device(account("bob"))];
  const made = await createKeyPackage(bob.identity, { now, lastResort: false });
  const pending = await commit(await newGroup(alice), { add: [made.keyPackage] });
  assert.ok(pending.welcome);
  const message = decodeMessage(pending.welcome);
  assert.ok(message.wireformat === "mls_welcome");
  const { keyPackage, secrets } = decodePrivate(made.privateState, bob.identity);
  const joined = await joinGroup(
    message.welcome,
    keyPackage,
    secrets,
    emptyPskIndex,
    suite,
    undefined,
    undefined,
    clientConfig(bob.accept),
  );
  const renewed = await commit(pending.next);
  const renewal = decodeMessage(renewed.bytes);
  assert.ok(renewal.wireformat === "mls_public_message");
  const followed = await processPublicMessage(joined, renewal.publicMessage, emptyPskIndex, suite);
  assert.deepEqual(
    followed.newState.keySchedule.epochAuthenticator,
    new Uint8Array(renewed.next.epochAuthenticator),
  );
  const sent = await createApplicationMessage(followed.newState, utf8("from the library"), suite);
  const { privateMessage } = sent;
  const bytes = encodeMessage({
    version: "mls10",
    wireformat: "mls_private_message",
    privateMessage,
  });
  assert.deepEqual((await received(renewed.next, bytes)).plaintext, utf8("from the library"));
});

Deno.test("we follow the library's own commits, and join by its welcome", async () => {
  const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => device(account(name)));
  assert.ok(alice && bob && carol);
  const first = await createKeyPackage(bob.identity, { now, lastResort: false });
  const pending = await commit(await newGroup(alice), { add: [first.keyPackage] });
  assert.ok(pending.welcome);
  const joined = as(
    await joinFromWelcome(pending.welcome, { ...bob, privateStates: () => first.privateState }),
    "joined",
  );
  const second = await createKeyPackage(carol.identity, { now, lastResort: false });
  const { keyPackage } = decodePrivate(second.privateState, carol.identity);
  const theirs = await createCommit({ state: inside(pending.next, alice), cipherSuite: suite }, {
    wireAsPublicMessage: true,
    ratchetTreeExtension: true,
    extraProposals: [{ proposalType: "add", add: { keyPackage } }],
  });
  assert.ok(theirs.welcome);
  const followed = await applied(joined.group, encodeMessage(theirs.commit));
  const welcome = encodeMessage({
    version: "mls10",
    wireformat: "mls_welcome",
    welcome: theirs.welcome,
  });
  assertRefused(
    await joinFromWelcome(welcome, { ...bob, privateStates: () => undefined }),
    "no_key_package",
  );
  const third = as(
    await joinFromWelcome(welcome, { ...carol, privateStates: () => second.privateState }),
    "joined",
  );
  assert.deepEqual(third.group.epochAuthenticator, followed.group.epochAuthenticator);
});

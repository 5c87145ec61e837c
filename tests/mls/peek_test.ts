import assert from "node:assert/strict";
import fc from "fast-check";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { createCommit } from "ts-mls/createCommit.js";
import { ciphersuites } from "ts-mls/crypto/ciphersuite.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import { createProposal } from "ts-mls/createMessage.js";
import { decodeMlsMessage, type MLSMessage, mlsMessageEncoder } from "ts-mls/message.js";
import { copyBytes, toBase64url, utf8 } from "../../lib/base/bytes.ts";
import { readDeviceCertificate } from "../../lib/crypto/certificate.ts";
import { isLastResort, keyPackageRef } from "../../lib/mls/key_package.ts";
import { encodeMessage } from "../../lib/mls/message.ts";
import { createKeyPackage } from "../../lib/mls/mod.ts";
import { commitHash, peekCommit, type PeekedCommit, peekMls } from "../../lib/mls/peek.ts";
import { cipherSuite } from "../../lib/mls/suite.ts";
import { inline, inside, pathless } from "./forge.ts";
import { account, add, applied, commit, device, external, now, pair } from "./kit.ts";

function identityOf(leaf: LeafNode): Uint8Array | undefined {
  return leaf.credential.credentialType === "basic" ? leaf.credential.identity : undefined;
}

async function expectedKeyPackage(keyPackage: KeyPackage) {
  const leaf = keyPackage.leafNode;
  assert.ok(leaf.leafNodeSource === "key_package");
  return {
    ref: await keyPackageRef(keyPackage),
    suite: ciphersuites[keyPackage.cipherSuite] ?? Number(keyPackage.cipherSuite),
    identity: identityOf(leaf),
    notAfter: Number(leaf.lifetime.notAfter) * 1000,
    lastResort: isLastResort(keyPackage),
  };
}

/** What the library says that the reader should have seen. */
async function expected(message: MLSMessage) {
  switch (message.wireformat) {
    case "mls_private_message": {
      const { groupId, epoch, contentType } = message.privateMessage;
      return { kind: "private", groupId, epoch: Number(epoch), contentType };
    }
    case "mls_public_message": {
      const { groupId, epoch, sender, contentType } = message.publicMessage.content;
      const { senderType, ...rest } = sender;
      return {
        kind: "public",
        groupId,
        epoch: Number(epoch),
        sender: { kind: senderType, ...rest },
        contentType,
      };
    }
    case "mls_welcome": {
      const refs = message.welcome.secrets.map(({ newMember }) => toBase64url(newMember));
      return { kind: "welcome", refs };
    }
    case "mls_group_info": {
      const { groupId, epoch } = message.groupInfo.groupContext;
      return { kind: "group_info", groupId, epoch: Number(epoch) };
    }
    case "mls_key_package":
      return { kind: "key_package", ...await expectedKeyPackage(message.keyPackage) };
  }
}

function expectedCommit(message: MLSMessage): PeekedCommit | undefined {
  if (message.wireformat !== "mls_public_message") return undefined;
  const { content } = message.publicMessage;
  if (content.contentType !== "commit") return undefined;
  const path = content.commit.path;
  const added = content.commit.proposals.flatMap((each) =>
    each.proposalOrRefType === "proposal" && each.proposal.proposalType === "add"
      ? [identityOf(each.proposal.add.keyPackage.leafNode)]
      : []
  );
  const types = content.commit.proposals.map((each) =>
    each.proposalOrRefType === "reference" ? "reference" : each.proposal.proposalType
  );
  const adds = types.filter((type) => type === "add").length;
  const inits = types.filter((type) => type === "external_init").length;
  const removes = content.commit.proposals.flatMap((each) =>
    each.proposalOrRefType === "proposal" && each.proposal.proposalType === "remove"
      ? [each.proposal.remove.removed]
      : []
  );
  if (inits > 1) return undefined;
  return {
    authenticatedData: copyBytes(content.authenticatedData),
    adds,
    removes,
    externalInit: inits === 1,
    others: types.length - adds - inits - removes.length,
    hasPath: path !== undefined,
    added: added.map((identity) => copyBytes(identity ?? new Uint8Array())),
    committer: path && copyBytes(identityOf(path.leafNode) ?? new Uint8Array()),
  };
}

function epochOf(message: MLSMessage): bigint {
  if (message.wireformat === "mls_public_message") return message.publicMessage.content.epoch;
  if (message.wireformat === "mls_group_info") return message.groupInfo.groupContext.epoch;
  return message.wireformat === "mls_private_message" ? message.privateMessage.epoch : 0n;
}

/** The library's reading, where the bytes are that message's one encoding. */
function libraryReads(bytes: Uint8Array): MLSMessage | undefined {
  try {
    const message = decodeMlsMessage(bytes, 0)?.[0];
    if (message === undefined) return undefined;
    const again = encode(mlsMessageEncoder)(message);
    // Epochs beyond 2^53 - 1 are the one thing that the reader refuses and the library does not.
    if (epochOf(message) > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    return again.join() === bytes.join() ? message : undefined;
  } catch {
    return undefined; // not a message
  }
}

/** The reader refuses credentials that this product does not use. */
function usesOtherCredentials(message: MLSMessage): boolean {
  const leaves: LeafNode[] = [];
  if (message.wireformat === "mls_key_package") leaves.push(message.keyPackage.leafNode);
  if (message.wireformat === "mls_public_message") {
    const { content } = message.publicMessage;
    if (content.contentType !== "commit") return false;
    if (content.commit.path) leaves.push(content.commit.path.leafNode);
    for (const each of content.commit.proposals) {
      if (each.proposalOrRefType === "reference") continue;
      if (each.proposal.proposalType === "add") leaves.push(each.proposal.add.keyPackage.leafNode);
    }
  }
  return leaves.some((leaf) => identityOf(leaf) === undefined);
}

async function assertAgrees(bytes: Uint8Array): Promise<void> {
  const message = libraryReads(bytes);
  const peeked = peekMls(bytes);
  const peekedCommit = peekCommit(bytes);
  if (message === undefined || usesOtherCredentials(message)) return;
  assert.deepEqual(plain(peeked), plain(await expected(message)));
  assert.deepEqual(peekedCommit, expectedCommit(message));
}

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each) => each instanceof Uint8Array ? [...each] : each),
  );
}

/** One message of every kind that there is. */
async function everyKind(): Promise<Record<string, Uint8Array>> {
  const { a, b, alice } = await pair();
  const carol = device(account("carol"));
  const keyPackage = await createKeyPackage(carol.identity, { now, lastResort: true });
  const joined = await add(a, carol);
  const bob = (await applied(b, joined.pending.bytes)).group;
  const both = await commit(joined.adder, {
    add: [
      (await createKeyPackage(device(account("dave")).identity, { now, lastResort: false }))
        .keyPackage,
    ],
    remove: [bob.ownLeafIndex],
  });
  const state = inside(a, alice);
  const suite = await cipherSuite();
  const proposal = { proposalType: "remove", remove: { removed: 1 } } as const;
  assert.ok(joined.pending.welcome);
  return {
    keyPackage: keyPackage.keyPackage,
    welcome: joined.pending.welcome,
    groupInfo: joined.pending.groupInfo,
    application: (await a.encrypt(utf8("hello"), utf8("data"))).message,
    emptyCommit: (await commit(a)).bytes,
    addCommit: joined.pending.bytes,
    bothCommit: both.bytes,
    externalCommit: (await external(joined.pending.groupInfo, alice)).bytes,
    pathlessCommit: (await pathless(state, inline(proposal))).bytes,
    oddCommit: (await pathless(
      state,
      inline(
        { proposalType: 0xf001, proposalData: new Uint8Array(70) },
        { proposalType: "group_context_extensions", groupContextExtensions: { extensions: [] } },
      ),
    )).bytes,
    publicProposal: encodeMessage((await createProposal(state, true, proposal, suite)).message),
    privateProposal: encodeMessage((await createProposal(state, false, proposal, suite)).message),
    privateCommit: encodeMessage((await createCommit({ state, cipherSuite: suite })).commit),
  };
}

const kinds = await everyKind();

for (const [name, bytes] of Object.entries(kinds)) {
  Deno.test(`the reader of clear headers agrees with the library about: ${name}`, async () => {
    assert.ok(libraryReads(bytes));
    assert.ok(peekMls(bytes));
    await assertAgrees(bytes);
  });
}

Deno.test("the server sees whom a commit removes and whom it adds", () => {
  const both = peekCommit(kinds.bothCommit ?? new Uint8Array());
  assert.ok(both?.committer && both.added[0]);
  const { added, committer, ...counts } = both;
  assert.deepEqual(counts, {
    adds: 1,
    removes: [1],
    externalInit: false,
    hasPath: true,
    others: 0,
    authenticatedData: new Uint8Array(),
  });
  assert.equal(readDeviceCertificate(committer).name, "alice");
  assert.deepEqual(added.map((bytes) => readDeviceCertificate(bytes).name), ["dave"]);
  const joined = peekCommit(kinds.externalCommit ?? new Uint8Array());
  assert.deepEqual([joined?.removes, joined?.externalInit, joined?.adds], [[0], true, 0]);
});

Deno.test("the reader never throws, whatever it reads", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await assertAgrees(bytes);
      const commitLike = Uint8Array.from([0, 1, 0, 1, ...bytes]);
      await assertAgrees(commitLike);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("the reader agrees with the library about messages with one byte changed or the end missing", async () => {
  const every = Object.values(kinds);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.nat(), fc.nat(), async (which, at, value, cut) => {
      const bytes = (every[which % every.length] ?? new Uint8Array()).slice();
      // Mostly the beginning, where the structure is.
      bytes[at % Math.min(bytes.length, 400)] = value % 256;
      await assertAgrees(bytes);
      const shorter = bytes.subarray(0, cut % bytes.length);
      assert.equal(peekCommit(shorter), undefined);
      await assertAgrees(shorter);
    }),
    { numRuns: 500 },
  );
});

Deno.test("a length that is not encoded minimally is no message", () => {
  const application = kinds.application ?? new Uint8Array();
  assert.equal(application[4], 16);
  const longer = Uint8Array.from([...application.subarray(0, 4), 0x40, ...application.subarray(4)]);
  assert.equal(peekMls(longer), undefined);
  assert.equal(peekMls(Uint8Array.from([...application, 0])), undefined);
});

Deno.test("a commit's hash is base64url of SHA-256", () => {
  assert.equal(commitHash(utf8("abc")), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
});

Deno.test("the reader does not bring the MLS library into the server", async () => {
  for (const file of ["peek.ts", "peek_structures.ts", "tls_reader.ts"]) {
    const source = await Deno.readTextFile(new URL(`../../lib/mls/${file}`, import.meta.url));
    const imports = [...source.matchAll(/from "([^"]+)"/g)].map(([, from]) => from);
    for (const from of imports) {
      assert.match(
        from ?? "",
        /^(node:crypto|\.\.\/base\/\w+\.ts|\.\/(tls_reader|peek_structures)\.ts)$/,
      );
    }
  }
});

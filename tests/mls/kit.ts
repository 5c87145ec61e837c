/** People, devices and groups for the MLS tests. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/base/bytes.ts";
import { utf8 } from "../../lib/base/bytes.ts";
import { uuidBytes } from "../../lib/base/ids.ts";
import { issueDeviceCertificate } from "../../lib/crypto/certificate.ts";
import { generateSigningKey, type SigningKey } from "../../lib/crypto/sign.ts";
import {
  createGroup,
  createKeyPackage,
  joinExternally,
  joinFromWelcome,
  loadGroup,
  type MlsContext,
  type MlsGroup,
  type PendingCommit,
  type Processed,
  type ReceivedCommit,
  type ReceivedMessage,
  type RefusalReason,
} from "../../lib/mls/mod.ts";

/** The time of all tests that do not move it. */
export const now = Date.now();

const serverKey = generateSigningKey().publicKey;

/** An account with its key. */
export interface Account {
  readonly name: string;
  readonly accountId: string;
  readonly key: SigningKey;
}

export function account(name: string): Account {
  return { name, accountId: crypto.randomUUID(), key: generateSigningKey() };
}

/** A new device of an account, as the facade wants it. */
export function device(owner: Account, options: Partial<MlsContext> = {}): MlsContext {
  const key = generateSigningKey();
  const certificate = issueDeviceCertificate({
    name: owner.name,
    accountId: owner.accountId,
    serverKey,
    accountKey: owner.key,
    deviceKey: key.publicKey,
    createdAt: now,
  });
  return { identity: { device: key, certificate }, accept: () => true, ...options };
}

export function randomGroupId(): Bytes {
  return uuidBytes(crypto.randomUUID());
}

export function newGroup(context: MlsContext): Promise<MlsGroup> {
  return createGroup(randomGroupId(), { ...context, now });
}

type Union = { readonly kind: string };

/** Asserts the kind of an outcome. */
export function as<T extends Union, K extends T["kind"]>(
  outcome: T,
  kind: K,
): Extract<T, { kind: K }> {
  if (outcome.kind !== kind) assert.fail(`${kind} expected, but ${JSON.stringify(outcome)}`);
  return outcome as Extract<T, { kind: K }>;
}

export function assertRefused(outcome: Union, reason: RefusalReason): void {
  assert.equal(outcome.kind, "refused", `a refusal expected, but ${outcome.kind}`);
  assert.ok("reason" in outcome && "detail" in outcome);
  assert.equal(outcome.reason, reason, String(outcome.detail));
}

/** A commit that succeeds. */
export async function commit(
  group: MlsGroup,
  change: { readonly add?: Uint8Array[]; readonly remove?: number[] } = {},
): Promise<PendingCommit> {
  return as(await group.commit({ ...change, now }), "pending");
}

/** Everybody applies the commit. */
export async function applied(group: MlsGroup, bytes: Uint8Array): Promise<ReceivedCommit> {
  return as<Processed, "commit">(await group.process(bytes), "commit");
}

export async function received(group: MlsGroup, bytes: Uint8Array): Promise<ReceivedMessage> {
  return as<Processed, "application">(await group.process(bytes), "application");
}

/** Adds a device by a fresh key package; gives the adder's and the newcomer's group, and the commit. */
export async function add(
  group: MlsGroup,
  newcomer: MlsContext,
): Promise<{ adder: MlsGroup; added: MlsGroup; pending: PendingCommit }> {
  const made = await createKeyPackage(newcomer.identity, { now, lastResort: false });
  const pending = await commit(group, { add: [made.keyPackage] });
  assert.ok(pending.welcome);
  const joined = await joinFromWelcome(pending.welcome, {
    ...newcomer,
    privateStates: (ref) => ref === made.ref ? made.privateState : undefined,
  });
  return { adder: pending.next, added: as(joined, "joined").group, pending };
}

export async function external(
  groupInfo: Uint8Array,
  context: MlsContext,
): Promise<PendingCommit> {
  return as(await joinExternally(groupInfo, { ...context, now }), "pending");
}

/** Two people with one device each, in one group. */
export async function pair() {
  const alice = device(account("alice"));
  const bob = device(account("bob"));
  const { adder, added, pending } = await add(await newGroup(alice), bob);
  return { alice, bob, a: adder, b: added, pending };
}

/** Sends `text` from one group to others, and gives everybody's new state, sender first. */
export async function send(
  text: string,
  from: MlsGroup,
  to: readonly MlsGroup[],
): Promise<MlsGroup[]> {
  const sent = await from.encrypt(utf8(text));
  const states = [sent.group];
  for (const group of to) {
    const got = await received(group, sent.message);
    assert.deepEqual(got.plaintext, utf8(text));
    states.push(got.group);
  }
  return states;
}

/** The same group after storing and loading. */
export function reloaded(group: MlsGroup, context: MlsContext): MlsGroup {
  const encoded = group.encode();
  const loaded = loadGroup(encoded, context);
  assert.deepEqual(loaded.epochAuthenticator, group.epochAuthenticator);
  assert.deepEqual(loaded.members(), group.members());
  assert.equal(loaded.epoch, group.epoch);
  assert.deepEqual(loaded.encode(), encoded);
  return loaded;
}

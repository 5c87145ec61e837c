/** Direct conversations for wire-level clients: set up with real MLS, then filled with messages that look like MLS. */
import { concat, fromBase64url, toBase64url, u64be } from "../../lib/base/bytes.ts";
import { randomId, uuidBytes } from "../../lib/base/ids.ts";
import { readDeviceCertificate } from "../../lib/crypto/certificate.ts";
import {
  createGroup,
  createKeyPackage,
  type MlsGroup,
  type PendingCommit,
} from "../../lib/mls/mod.ts";
import type { TestAccount, WireClient } from "./wire_client.ts";

/** A client and whose it is. */
export interface Party extends Speaker {
  readonly client: WireClient;
}

/** Whoever can make requests with a device key of an account: a client, or one behind another server. */
export interface Speaker {
  readonly client: Pick<WireClient, "device" | "deviceText" | "certificate" | "request">;
  readonly account: TestAccount;
}

/** What MLS needs of a party. */
export function mlsIdentity({ client, account }: Speaker) {
  const certificate = readDeviceCertificate(fromBase64url(client.certificate(account)));
  return { device: client.device, certificate };
}

/** Uploads one key package of the party's device. */
export async function offerKeyPackage(party: Speaker): Promise<void> {
  const made = await createKeyPackage(mlsIdentity(party), { now: Date.now(), lastResort: false });
  const { ref, keyPackage } = made;
  const packages = [{ ref, lastResort: false, length: keyPackage.length }];
  const body = keyPackage.length;
  await party.client.request({ type: "keypackages.put", packages, body }, keyPackage);
}

/** A conversation that was just created. */
export interface Created {
  readonly conversation: string;
  readonly group: MlsGroup;
}

/** `from` creates a direct conversation with `to`, whose device has offered a key package. */
export async function createConversation(
  from: Speaker,
  to: Speaker,
  { server }: { readonly server?: string } = {},
): Promise<Created> {
  const conversation = randomId();
  const claimed = await from.client.request({
    type: "keypackages.claim",
    account: to.account.id,
    conversation,
    ...(server === undefined ? {} : { server }),
  });
  const context = { identity: mlsIdentity(from), accept: () => true };
  const group = await createGroup(uuidBytes(conversation), { ...context, now: Date.now() });
  const pending = await group.commit({ add: slices(claimed), now: Date.now() });
  if (pending.kind !== "pending") throw new Error(pending.detail);
  const roster = [from, to].map(({ client, account }) => ({
    account: account.id,
    device: client.deviceText,
  }));
  const { parts, bodies, body } = commitBody(pending);
  const { hash } = pending;
  await from.client.request({
    type: "conversation.create",
    conversation,
    kind: "direct",
    with: to.account.id,
    hash,
    roster,
    parts,
    body,
  }, bodies);
  return { conversation, group: pending.next };
}

/** The body of a commit's request and the lengths of its parts. */
export function commitBody(pending: PendingCommit) {
  const bodies = [pending.bytes, pending.welcome ?? new Uint8Array(0), pending.groupInfo];
  const [commit = 0, welcome = 0, groupInfo = 0] = bodies.map(({ length }) => length);
  const parts: [number, number, number] = [commit, welcome, groupInfo];
  return { parts, bodies, body: commit + welcome + groupInfo };
}

function slices(claimed: {
  readonly message: { readonly packages: readonly { readonly length: number }[] };
  readonly body: Uint8Array;
}): Uint8Array[] {
  let offset = 0;
  return claimed.message.packages.map(({ length }) => {
    offset += length;
    return claimed.body.slice(offset - length, offset);
  });
}

/** Bytes with the clear header of an MLS PrivateMessage (RFC 9420 section 6.3) and noise of a real one's size inside. */
export function lookalikeMessage(
  conversation: string,
  options: { readonly epoch: number; readonly size?: number; readonly seed?: Uint8Array },
): Uint8Array {
  const noise = options.seed ?? crypto.getRandomValues(new Uint8Array(options.size ?? 512));
  return concat(
    Uint8Array.of(0, 1, 0, 2, 16),
    uuidBytes(conversation),
    u64be(options.epoch),
    Uint8Array.of(1, 0, 28),
    new Uint8Array(28),
    vector(noise),
  );
}

/** A variable-length vector (RFC 9420 section 2.1.2). */
function vector(content: Uint8Array): Uint8Array {
  const { length } = content;
  if (length < 64) return concat(Uint8Array.of(length), content);
  if (length < 16384) return concat(Uint8Array.of(0x40 | length >> 8, length & 255), content);
  throw new RangeError("noise of at most 16 KiB");
}

/** Sends one such message; what the server answered. */
export async function sendLookalike(
  party: Speaker,
  message: { conversation: string; epoch?: number; id?: string; bytes?: Uint8Array },
) {
  const { conversation, epoch = 1, id = randomId() } = message;
  const bytes = message.bytes ?? lookalikeMessage(conversation, { epoch });
  const request = { conversation, message: id, epoch, body: bytes.length };
  const { message: sent } = await party.client.request({ type: "message.send", ...request }, bytes);
  return { ...sent, id, bytes, text: toBase64url(bytes) };
}

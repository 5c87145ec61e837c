/** What followers of own conversations tell, and what any linked server tells of its own devices. */
import { fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import { type DeviceRevocation, readRevocation } from "../../lib/crypto/certificate.ts";
import { type Conversation, listedMember, listedMembers } from "../domain/conversation.ts";
import type { Peer } from "../tables/peers.ts";
import type { Device } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import type { Context } from "./context.ts";
import type { AnswerItem, EndItem, RevokedItem, WantedItem } from "./conversation_items.ts";
import { forwardStanding, sendSnapshot } from "./followers.ts";
import { accept, decline } from "./leaving.ts";
import { tellRemovals, unseat } from "./membership.ts";
import { queueForPeer, queueUrgent } from "./outbox.ts";

/** An account of the follower answers, or is asked first. */
export function takeAnswer(context: Context, peer: Peer, item: AnswerItem): number {
  const { tables } = context;
  const account = tables.accounts.anyById(item.account);
  const conversation = tables.conversations.byId(item.conversation);
  const own = account?.peer === peer.key && conversation?.hub === null;
  const member = own ? listedMember(conversation, account.key) : undefined;
  if (!own || member === undefined || member.state === "left") return 0;
  const [device] = tables.devices.ofAccount(account.key);
  if (device === undefined) return 0;
  const answering = { party: { account, device }, conversation, member };
  if (item.state === "active") {
    accept(context, answering);
    return 0;
  }
  // Until it hears otherwise the hub takes everybody to take part.
  if (member.state === "active") Object.assign(member, { state: "request", changed: true });
  tables.conversations.save(conversation);
  if (item.state === "declined") decline(context, answering);
  return 0;
}

const asked = { most: peerLimits.snapshotsPerHour, windowMs: 60 * 60 * 1000 };

/** A follower has lost its place: it gets the conversation as it stands, or hears that there is none for it. */
export function takeWanted(context: Context, peer: Peer, item: WantedItem): number {
  const conversation = context.tables.conversations.byId(item.conversation);
  if (conversation !== undefined && conversation.hub !== null) return 0;
  const there = conversation !== undefined && hasMembers(conversation, peer);
  if (!there) {
    const end: EndItem = { kind: "end", conversation: item.conversation };
    // Where there is no room for it the peer asks again: what it likes to ask fills no disk here.
    queueForPeer(context, peer, { item: end });
    return 0;
  }
  const subject = `sent ${peer.fingerprint} ${item.conversation}`;
  const waitMs = spend(context, { kind: "snapshot", subject, allowance: asked });
  if (waitMs === 0) sendSnapshot(context, conversation, peer.key);
  return 0;
}

function hasMembers(conversation: Conversation, { key }: Peer): boolean {
  return listedMembers(conversation).some(({ peer }) => peer === key) ||
    [...conversation.seats.values()].some(({ peer }) => peer === key);
}

/** A device of the peer speaks for its account no longer: it gets nothing more, and the next commits remove it. */
export function takeRevoked(context: Context, peer: Peer, item: RevokedItem): number {
  const { tables, now } = context;
  const revocation = readText(item.revocation);
  if (revocation === undefined) return 0;
  const device = tables.devices.anyById(toBase64url(revocation.deviceKey));
  const account = tables.accounts.anyById(revocation.accountId);
  const its = account?.peer === peer.key && device?.account === account.key &&
    account.accountKey === toBase64url(revocation.accountKey);
  if (!its || device.revokedAt !== null) return 0;
  tables.devices.revoke(device.key, { text: item.revocation, at: now });
  unseatEverywhere(context, device);
  return 0;
}

function readText(text: string): DeviceRevocation | undefined {
  try {
    return readRevocation(fromBase64url(text));
  } catch (thrown) {
    if (thrown instanceof AppError || thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

/** A revoked device gets nothing more, in any conversation; where this server orders one, its removal is queued. */
export function unseatEverywhere(context: Context, device: Device): void {
  for (const conversation of context.tables.conversations.ofDevice(device.key)) {
    const seat = conversation.seats.get(device.device);
    if (seat === undefined) continue;
    seat.revoked = true;
    unseat(context, conversation, seat);
    tellRemovals(context, conversation, device.device);
    forwardStanding(context, conversation);
  }
}

/** Tells a revocation of an own device to every server that shares a conversation with it. */
export function tellRevoked(context: Context, device: Device, revocation: string): void {
  const { conversations, peers } = context.tables;
  const servers = conversations.ofDevice(device.key).flatMap(({ hub, servers }) =>
    hub === null ? [...servers.keys()] : [hub]
  );
  const item: RevokedItem = { kind: "revoked", revocation };
  for (const key of new Set(servers)) {
    const peer = peers.byKey(key);
    if (peer !== undefined) queueUrgent(context, peer, item);
  }
}

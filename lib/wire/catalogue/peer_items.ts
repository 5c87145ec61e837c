/** What linked servers queue for each other: what is kept until the other side has it on disk. */
import Type from "typebox";
import { refusalReasons } from "../../crypto/commit_refusal.ts";
import { mlsLimits, peerLimits, textLimits } from "../../base/limits.ts";
import {
  certificate,
  conversationKind,
  count,
  hash,
  listOf,
  memberRole,
  publicKey,
  serverName,
  signature,
  time,
  uuid,
} from "./fields.ts";

const strict = { additionalProperties: false } as const;

const devices = listOf(publicKey, mlsLimits.groupDevices);
const accounts = listOf(uuid, mlsLimits.groupDevices);

/** A row of a conversation: its number, and when the hub stored it. */
const row = { conversation: uuid, seq: count, ts: time };

/** A post of the sender's lobby. */
const lobby = Type.Object({
  kind: Type.Literal("lobby"),
  post: uuid,
  certificate,
  text: Type.String({ maxLength: textLimits.lobbyTextBytes }),
  sentAt: time,
  signature,
}, strict);

/** The certificate of a device that following items name. */
const device = Type.Object({
  kind: Type.Literal("device"),
  certificate,
  /** Of an account of a third server: what that is called there. */
  server: Type.Optional(serverName),
}, strict);

/** A piece (the body) of the body of the next item that is not such a piece. */
const part = Type.Object({ kind: Type.Literal("part") }, strict);

/** From the hub: a message. Body: its bytes. */
const message = Type.Object({
  kind: Type.Literal("message"),
  ...row,
  epoch: count,
  device: publicKey,
  message: uuid,
  quiet: Type.Optional(Type.Literal(true)),
  until: Type.Optional(time),
  generation: Type.Optional(count),
}, strict);

/** From the hub: a commit. Body: what it changes about accounts, the commit, the welcome. */
const commit = Type.Object({
  kind: Type.Literal("commit"),
  ...row,
  incarnation: count,
  epoch: count,
  device: publicKey,
  hash,
  external: Type.Boolean(),
  founds: Type.Boolean(),
  add: devices,
  remove: devices,
  parts: Type.Tuple([count, count, count]),
}, strict);

/** From the hub: the latest commit was taken back. */
const rollback = Type.Object({
  kind: Type.Literal("rollback"),
  ...row,
  incarnation: count,
  hash,
  refusals: listOf(
    Type.Object({
      account: uuid,
      device: publicKey,
      reason: Type.Union(refusalReasons.map((reason) => Type.Literal(reason))),
      signature,
    }, strict),
    mlsLimits.refusalsToRollBack,
  ),
}, strict);

/** From the hub: whom the next commit has to remove. */
const standing = Type.Object({
  kind: Type.Literal("standing"),
  conversation: uuid,
  removals: devices,
  leaving: accounts,
}, strict);

/** From the hub: the conversation as it stands after row `seq`. */
const snapshot = Type.Object({
  kind: Type.Literal("snapshot"),
  ...row,
  of: conversationKind,
  by: uuid,
  incarnation: count,
  epoch: count,
  members: listOf(Type.Object({ account: uuid, role: memberRole }, strict), mlsLimits.groupDevices),
  roster: devices,
  removals: devices,
  leaving: accounts,
  restored: Type.Optional(Type.Object({ at: count, last: count }, strict)),
}, strict);

/** How far people are: from the hub those of other servers, from a follower its own. */
const receipts = Type.Object({
  kind: Type.Literal("receipts"),
  receipts: listOf(
    Type.Object({
      conversation: uuid,
      account: uuid,
      delivered: count,
      read: count,
      at: time,
      reached: Type.Optional(count),
    }, strict),
    peerLimits.progressAtOnce,
  ),
}, strict);

/** From the hub: it has no such conversation, or none in which the other server has members. */
const end = Type.Object({ kind: Type.Literal("end"), conversation: uuid }, strict);

/** To the hub: how an account of the sender stands to the conversation. */
const answer = Type.Object({
  kind: Type.Literal("answer"),
  conversation: uuid,
  account: uuid,
  state: Type.Union([
    Type.Literal("active"),
    Type.Literal("request"),
    Type.Literal("declined"),
  ]),
}, strict);

/** To the hub: the sender has lost its place, and wants a snapshot. */
const wanted = Type.Object({ kind: Type.Literal("wanted"), conversation: uuid }, strict);

/** A device of the sender's account speaks for it no longer. */
const revoked = Type.Object({ kind: Type.Literal("revoked"), revocation: certificate }, strict);

/** Every kind that this version knows. */
const known = [
  lobby,
  device,
  part,
  message,
  commit,
  rollback,
  standing,
  snapshot,
  receipts,
  end,
  answer,
  wanted,
  revoked,
] as const;

const knownKinds = known.map(({ properties }) => properties.kind.const).join("|");

/**
 * A kind that a newer version has brought. It is confirmed and left out: an outbox that stopped at it would stop for ever.
 * Its kind is never that word; types alone call it so.
 */
const unknown = Type.Unsafe<{ readonly kind: "unknown" }>(
  Type.Object(
    { kind: Type.String({ maxLength: 64, pattern: `^(?!(?:${knownKinds})$)[a-z][a-z_]*$` }) },
    { additionalProperties: true },
  ),
);

/** Every kind of item. */
export const peerItem = Type.Union([...known, unknown]);

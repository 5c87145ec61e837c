/** What two linked servers say to each other. Either may send any of these. */
import Type from "typebox";
import { body, peer } from "./define.ts";
import { peerItem } from "./peer_items.ts";
import { keysFields, user } from "./directory.ts";
import { handedReply, handedRequest } from "./handed_on.ts";
import {
  certificate,
  count,
  hash,
  listOf,
  name,
  nullable,
  publicKey,
  requestId,
  uuid,
} from "./fields.ts";

const strict = { additionalProperties: false } as const;

/** A counter of an outbox; the first item has 1. */
const counter = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** A question, an answer or an item that brings bytes. */
const mayHaveBody = { body: Type.Optional(body.body) };

/** Identity key of a third server that is asked about: the receiver hands the question on to that one. */
const ofThird = { server: Type.Optional(publicKey) };

/** What a server asks for one of its own accounts: about the other's accounts, or a request that the other is to carry out. */
const question = Type.Union([
  Type.Object({ kind: Type.Literal("request"), certificate, message: handedRequest }, strict),
  Type.Object({
    kind: Type.Literal("keys"),
    name: Type.Optional(name),
    account: Type.Optional(uuid),
    ...ofThird,
  }, strict),
  Type.Object({ kind: Type.Literal("consistency"), from: count, to: count, ...ofThird }, strict),
  Type.Object({
    kind: Type.Literal("users"),
    scope: Type.Union([Type.Literal("online"), Type.Literal("all")]),
    after: Type.Optional(name),
  }, strict),
]);

/** The same fields as the replies to clients' questions of that kind. */
const answer = Type.Union([
  Type.Object({
    kind: Type.Literal("request"),
    reply: handedReply,
    /** Of a claim: whether the account is asked first before somebody may write to it. */
    asked: Type.Optional(Type.Boolean()),
  }, strict),
  Type.Object({ kind: Type.Literal("keys"), ...keysFields }, strict),
  Type.Object({ kind: Type.Literal("consistency"), path: listOf(hash, 128) }, strict),
  Type.Object(
    { kind: Type.Literal("users"), users: listOf(user, 200), more: Type.Boolean() },
    strict,
  ),
]);

/** Messages between linked servers. */
export const peerMessages = {
  /** The first message of either side. */
  "peer.link": peer("peer.link", {
    versions: listOf(Type.Integer({ minimum: 1 }), 16),
    name: Type.String({ maxLength: 64 }),
    capabilities: listOf(Type.String({ maxLength: 64 }), 64),
    limits: Type.Object({ windowItems: counter, itemBytes: count }, strict),
    stream: uuid,
    first: counter,
    received: nullable(
      Type.Object({
        stream: uuid,
        counter: count,
        digest: Type.Union([hash, Type.Literal("")]),
      }, strict),
    ),
  }),
  "peer.item": peer("peer.item", { counter, item: peerItem, ...mayHaveBody }),
  "peer.ack": peer("peer.ack", { counter: count }),
  /** A question that is not kept: when the link ends there is no answer. */
  "peer.ask": peer("peer.ask", { id: requestId, ask: question, ...mayHaveBody }),
  "peer.answer": peer("peer.answer", { id: requestId, answer, ...mayHaveBody }),
  "peer.refusal": peer("peer.refusal", {
    id: requestId,
    code: Type.String({ maxLength: 64 }),
    retryAfterMs: Type.Optional(count),
    epoch: Type.Optional(count),
  }),
  /** The last message: why the link ends. */
  "peer.close": peer("peer.close", {
    code: Type.String({ maxLength: 64 }),
    message: Type.String({ maxLength: 1024 }),
  }),
};

/** The version of what linked servers say to each other. */
export const peerVersion = 1;

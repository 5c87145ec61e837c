/** What two linked servers say to each other. Either may send any of these. */
import Type from "typebox";
import { textLimits } from "../../base/limits.ts";
import { body, peer } from "./define.ts";
import { certificate, count, hash, listOf, nullable, signature, time, uuid } from "./fields.ts";

const strict = { additionalProperties: false } as const;

/** A counter of an outbox; the first item has 1. */
const counter = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** A post of the sender's lobby. */
const lobbyItem = Type.Object({
  kind: Type.Literal("lobby"),
  post: uuid,
  certificate,
  text: Type.String({ maxLength: textLimits.lobbyTextBytes }),
  sentAt: time,
  signature,
}, strict);

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
  "peer.item": peer("peer.item", { counter, item: lobbyItem, body: Type.Optional(body.body) }),
  "peer.ack": peer("peer.ack", { counter: count }),
  /** The last message: why the link ends. */
  "peer.close": peer("peer.close", {
    code: Type.String({ maxLength: 64 }),
    message: Type.String({ maxLength: 1024 }),
  }),
};

/** The version of what linked servers say to each other. */
export const peerVersion = 1;

/** Replies as servers give them to each other, and as clients get them. */
import {
  catalogue,
  type Message,
  type ReplyType,
  type RequestType,
} from "../../lib/wire/messages.ts";
import type { Answered, ReplyFields } from "./answer.ts";
import type { Handed, HandedType } from "./asker.ts";

/** A reply without `id` and `body`. */
export type HandedReply = Extract<
  Message<"peer.answer">["answer"],
  { readonly kind: "request" }
>["reply"];

const outer: ReadonlySet<string> = new Set(["type", "id", "body"]);

/** The reply to `type` for a server that has handed it on. */
export function toReply<T extends HandedType & RequestType>(
  type: T,
  { fields }: Pick<Answered<T>, "fields">,
): HandedReply {
  // The fields of that reply, as the type of its carrier says.
  return { type: `${type}.ok`, ...fields } as unknown as HandedReply;
}

/**
 * The answer that a linked server's reply makes, if it is one to `type`; nothing else that may stand in it goes on to a
 * client. Its shape was checked when it arrived.
 */
export function fromReply<T extends HandedType & RequestType>(
  type: T,
  reply: HandedReply,
  body: Uint8Array,
): Answered<T> | undefined {
  const replyType: ReplyType<RequestType> = `${type}.ok`;
  if (reply.type !== replyType) return undefined;
  const { names, hasBody } = shapeOf(replyType);
  const said: Readonly<Record<string, unknown>> = reply;
  const fields: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(said, name)) fields[name] = said[name];
  const answered = { ok: true, fields: fields as unknown as ReplyFields<T> } as const;
  return hasBody ? { ...answered, body: [body] } : answered;
}

/** What a reply can have. */
interface Shape {
  /** Its fields without the outer ones. */
  readonly names: readonly string[];
  readonly hasBody: boolean;
}

const shapes = new Map<string, Shape>();

/** Looked up once for each type: every message that is handed on gets such a reply. */
function shapeOf(type: ReplyType<RequestType>): Shape {
  const known = shapes.get(type);
  if (known !== undefined) return known;
  const { properties } = catalogue[type].schema;
  const names = Object.keys(properties).filter((name) => !outer.has(name));
  const shape = { names, hasBody: Object.hasOwn(properties, "body") };
  shapes.set(type, shape);
  return shape;
}

/** The request as it is handed on: without what pairs it with its reply here. */
export function toHanded(message: Handed): Handed {
  const { id: _, body: __, ...handed } = { id: 0, body: 0, ...message };
  return handed;
}

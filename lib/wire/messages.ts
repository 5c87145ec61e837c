/**
 * The catalogue: type, schema, direction and permitting states of every message of the protocol, once. Both sides, the
 * dispatch tables, the documentation and `sealpost schema` read it from here.
 */
import type Type from "typebox";
import { accountMessages } from "./catalogue/account.ts";
import { archiveMessages } from "./catalogue/archive.ts";
import {
  conversationMessages,
  lobbyMessages,
  notificationMessages,
} from "./catalogue/conversation.ts";
import type { Entry, SessionState } from "./catalogue/define.ts";
import { directoryMessages } from "./catalogue/directory.ts";
import { fileMessages } from "./catalogue/file.ts";
import { repairMessages } from "./catalogue/repair.ts";
import { peerMessages } from "./catalogue/peer.ts";
import { sessionMessages } from "./catalogue/session.ts";

export type { Direction, Entry, Role, SessionState } from "./catalogue/define.ts";

/** Every message of the protocol by its type. */
export const catalogue = {
  ...sessionMessages,
  ...accountMessages,
  ...directoryMessages,
  ...conversationMessages,
  ...repairMessages,
  ...lobbyMessages,
  ...notificationMessages,
  ...archiveMessages,
  ...fileMessages,
  ...peerMessages,
} as const satisfies Record<string, Entry>;

type Catalogue = typeof catalogue;

/** The type field of some message. */
export type MessageType = keyof Catalogue;

/** The message of type `T`, without its body bytes. */
export type Message<T extends MessageType = MessageType> = {
  [K in T]: Type.Static<Catalogue[K]["schema"]>;
}[T];

type TypesOfRole<R extends Entry["role"]> = {
  [K in MessageType]: Catalogue[K]["role"] extends R ? K : never;
}[MessageType];

/** Types that get a reply. */
export type RequestType = TypesOfRole<"request">;
/** Types that the client sends without getting a reply. */
export type NoticeType = TypesOfRole<"notice">;
/** Types that the server sends unasked. */
export type EventType = TypesOfRole<"event">;

/** What linked servers say to each other. */
export type PeerMessageType = TypesOfRole<"peer">;

/** The reply to request `T`. */
export type ReplyType<T extends RequestType> = `${T}.ok` & MessageType;

/** A message that arrived, with its slice of the frame's body (empty when it has none). */
export interface Arrived<T extends MessageType = MessageType> {
  readonly message: Message<T>;
  readonly body: Uint8Array;
}

/** Whether a client may send `type` in session state `state`. */
export function permits(state: SessionState, type: MessageType): boolean {
  const entry: Entry = catalogue[type];
  return entry.direction !== "server" && entry.states.includes(state);
}

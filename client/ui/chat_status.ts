/** What the status row of a chat says. Pure. */
import type { ChatMessage, ConnectionState, Target } from "../engine/api.ts";
import type { ConversationFacts } from "../engine/api_desk.ts";
import { describeConnection } from "./chat_lines.ts";
import { counted, safe, stateWords } from "./format.ts";
import { shortLifetime } from "./lifetime.ts";
import type { StatusPart } from "./status_row.ts";
import { addressOf } from "./target.ts";

/** Everything that the row tells of. */
export interface ChatFacts {
  readonly self: string;
  readonly connection: ConnectionState;
  readonly target: Target;
  readonly conversation: ConversationFacts;
  /** Unread messages in other conversations. */
  readonly unread: number;
  /** Own messages that the server has not taken yet. */
  readonly waiting: number;
  readonly lastOwn: ChatMessage | undefined;
  /** History that comes from the archive, and files on their way. */
  readonly underWay: readonly string[];
}

/** The parts of the row in their order. */
export function chatStatus(facts: ChatFacts): StatusPart[] {
  const { self, connection, unread, waiting, underWay } = facts;
  return [
    { text: safe(self, 64), need: 8 },
    { text: describeConnection(connection), short: connection.kind, need: 0 },
    ...conversationParts(facts),
    ...underWay.map((text) => ({ text, need: 4 })),
    ...(unread === 0
      ? []
      : [{ text: `${unread} unread elsewhere`, short: `${unread} unread`, need: 2 }]),
    ...(waiting === 0 ? [] : [{ text: `${waiting} waiting`, need: 3 }]),
    ...lastPart(facts.lastOwn),
  ];
}

function conversationParts({ target, conversation }: ChatFacts): StatusPart[] {
  const { key, members, lifetime, away } = conversation;
  const name = safe(addressOf(target), 70);
  const parts: StatusPart[] = [];
  if (key === "changed") {
    parts.push({ text: `KEY OF ${name} CHANGED`, short: "KEY CHANGED", need: 1, alarm: true });
  } else if (key !== undefined) {
    const state = key === "verified" ? "verified" : "not verified";
    parts.push({ text: `${name} ${state}`, short: state, need: 6 });
  }
  if (away !== undefined) {
    parts.push({
      text: `the server ${safe(away, 64)} is away`,
      short: "away",
      need: 1,
      alarm: true,
    });
  }
  if (target.kind === "lobby") parts.push({ text: "public", need: 9 });
  if (members !== undefined) {
    const count = counted(members.count, "member");
    parts.push({ text: `${count}, ${members.verified} verified`, short: count, need: 7 });
  }
  if (lifetime > 0) {
    const time = shortLifetime(lifetime);
    parts.push({ text: `messages go after ${time}`, short: time, need: 4 });
  }
  return parts;
}

function lastPart(message: ChatMessage | undefined): StatusPart[] {
  if (message === undefined) return [];
  const { state, readBy } = message;
  const some = readBy !== undefined && readBy.count > 0 && readBy.count < readBy.of;
  const short = some ? `read by ${readBy.count} of ${readBy.of}` : stateWords(message);
  return [{ text: `last message ${short}`, short, need: 5, alarm: state === "failed" }];
}

/** What a chat says first. */
import type { ConversationInfo, SelfInfo } from "../engine/api.ts";
import { counted, safe } from "./format.ts";
import { addressOf } from "./target.ts";

/** What waits for somebody. */
export interface Waiting {
  /** What is unread, as a sentence. */
  readonly unread: string;
  /** Who waits for an answer, a line each. */
  readonly requests: readonly string[];
  /** How many messages are unread. */
  readonly count: number;
}

/** What is unread, and who waits for an answer. */
export function waitingIn(conversations: readonly ConversationInfo[]): Waiting {
  const unread = conversations.filter(({ unread, request }) => unread > 0 && request !== true);
  const count = unread.reduce((sum, conversation) => sum + conversation.unread, 0);
  const where = unread
    .map(({ conversation, unread }) => `${safe(conversation, 64)} ${unread}`)
    .join(", ");
  const requests = conversations.filter(({ request }) => request === true).map(({ target }) => {
    const from = safe(addressOf(target), 70);
    return `* ${from} waits for an answer: /accept ${from}, /decline ${from} or /block`;
  });
  return {
    unread: count === 0 ? "No unread messages." : `${counted(count, "unread message")}: ${where}.`,
    requests,
    count,
  };
}

/**
 * Who one is, what is unread, and who waits for an answer. Before the account's history has come to a new device nobody
 * knows what is unread.
 */
export function greeting(
  { name, server }: Pick<SelfInfo, "name" | "server">,
  { unread, requests }: Waiting,
  { historyIsHere }: { readonly historyIsHere: boolean },
): readonly string[] {
  const waits = historyIsHere ? unread : "Your history is on its way.";
  return [
    `You are ${safe(name, 64)} on ${safe(server.name, 64)}. ${waits} /help lists the commands.`,
    ...requests,
  ];
}

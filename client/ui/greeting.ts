/** What a chat says first. */
import type { ConversationInfo, SelfInfo } from "../engine/api.ts";
import { counted, safe } from "./format.ts";
import { addressOf } from "./target.ts";

/** Who one is, what is unread, and who waits for an answer. */
export function greeting(
  { name, server }: Pick<SelfInfo, "name" | "server">,
  conversations: readonly ConversationInfo[],
): { readonly lines: readonly string[]; readonly unread: number } {
  const unread = conversations.filter(({ unread, request }) => unread > 0 && request !== true);
  const total = unread.reduce((sum, conversation) => sum + conversation.unread, 0);
  const where = unread
    .map(({ conversation, unread }) => `${safe(conversation, 64)} ${unread}`)
    .join(", ");
  const waits = total === 0
    ? "No unread messages."
    : `${counted(total, "unread message")}: ${where}.`;
  const requests = conversations.filter(({ request }) => request === true).map(({ target }) => {
    const from = safe(addressOf(target), 70);
    return `* ${from} waits for an answer: /accept ${from}, /decline ${from} or /block`;
  });
  return {
    lines: [
      `You are ${safe(name, 64)} on ${safe(server.name, 64)}. ${waits} /help lists the commands.`,
      ...requests,
    ],
    unread: total,
  };
}

/** Stored messages as what signed receipts are made of. */
import type { StoredMessage } from "../store/messages.ts";
import type { Thread } from "../store/threads.ts";
import type { ReceiptSource } from "./unlocked.ts";

/** The same of all messages that have one. */
export function receiptSources(
  messages: readonly StoredMessage[],
  threads: { get(thread: number): Thread | undefined },
): ReceiptSource[] {
  return messages.map((message) => receiptSource(message, threads.get(message.thread)))
    .filter((source) => source !== undefined);
}

/** What a receipt of the message is made of; undefined for one that nobody has signed yet, or that is unreadable. */
export function receiptSource(
  message: StoredMessage,
  thread: Thread | undefined,
): ReceiptSource | undefined {
  const { signed, from } = message.content;
  if (signed === undefined || thread === undefined) return undefined;
  const common = { from, ...signed };
  const { id, sentAt } = message;
  if (thread.kind === "lobby") return { where: { kind: "lobby", post: id, sentAt }, ...common };
  const { conversation } = thread;
  if (conversation === undefined) return undefined;
  return { where: { kind: "direct", conversation }, ...common };
}

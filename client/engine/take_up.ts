/** Writing to somebody whose request was declined. */
import { AppError } from "../../lib/base/errors.ts";
import type { Thread } from "../store/threads.ts";
import type { Core } from "./core.ts";

/**
 * Who writes in a private conversation takes part in it again, whatever was answered before: a request that was declined
 * is accepted. Does nothing for groups. Rejects with `AppError` when the server does not let the account in.
 */
export async function takeUp(
  core: Pick<Core, "server" | "threads">,
  thread: number,
): Promise<void> {
  const { kind, conversation } = core.threads.get(thread) ?? {};
  if (kind !== "direct" || conversation === undefined) return;
  await answerAfterAll(core, conversation);
}

/**
 * The same for a device that has lost a conversation (UUID) which was declined. What programs say by themselves takes nothing
 * up: without words that wait to be sent there this rejects with `not_permitted_now`.
 */
export async function takeUpAgain(
  core: Pick<Core, "server" | "outbox">,
  { thread, title }: Thread,
  conversation: string,
): Promise<void> {
  if (!core.outbox.hasWords(thread)) {
    throw new AppError("not_permitted_now", { text: `the request of ${title} was declined` });
  }
  await answerAfterAll(core, conversation);
}

/** Accepts the request that this conversation was; nothing happens when it is accepted already. */
async function answerAfterAll(
  { server }: Pick<Core, "server">,
  conversation: string,
): Promise<void> {
  await server.request({ type: "conversation.answer", conversation, answer: "accept" });
}

/** Writing to somebody whose request was declined. */
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

/** Accepts the request that this conversation (UUID) was; nothing happens when it is accepted already. */
export async function answerAfterAll(
  { server }: Pick<Core, "server">,
  conversation: string,
): Promise<void> {
  await server.request({ type: "conversation.answer", conversation, answer: "accept" });
}

/** Requests for messages that could not be read, and what is said again, as they arrive. */
import { toBase64url } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { resendLimits } from "../../../lib/base/limits.ts";
import { decodeContent } from "../content/codec.ts";
import type { ContentHandler, Effect } from "../content/facts.ts";
import type { Core } from "../core.ts";
import type { ResendBody, ResentBody } from "../content/resend.ts";

/** Somebody asks. Whoever asked for the same waits for that answer; the author's devices give it. */
export const applyResend: ContentHandler<ResendBody> = (core, { thread, body, from }) => {
  const { lost, clock, own, resends } = core;
  const until = clock.now() + resendLimits.askAgainMs;
  for (const id of body.messages) lost.postpone(thread, id, until);
  if (body.to !== own.account || from.device === own.device) return [];
  const { messages, device } = body;
  const asked = { thread, messages, device, asker: from.account };
  return [{ kind: "run", run: () => resends.answerSoon(asked) }];
};

/** Something is said again. It is kept until it was verified, which needs the directory. */
export const applyResent: ContentHandler<ResentBody> = (core, { thread, body, from }) => {
  if ("nothing" in body) {
    return sayNothing(core, { thread, ids: body.nothing, author: from.account });
  }
  const { lost, clock, own, resends } = core;
  const { content, signature, certificate } = body.said;
  const id = idOf(content);
  if (id === undefined) return [];
  // Nobody but the author's devices can spare the others of them the answer.
  if (from.account === own.account) lost.noteSaidAgain(thread, id, clock.now());
  const missing = lost.get(thread, id);
  if (missing === undefined || missing.author !== from.account) return [];
  lost.answer(missing, {
    content: toBase64url(content),
    signature: toBase64url(signature),
    certificate: toBase64url(certificate),
  });
  return [{ kind: "run", run: () => resends.verifySoon() }];
};

/** Messages that made no line where they were said make none here, if a device of their author says so. */
function sayNothing(
  { lost, messages, clock, own }: Core,
  { thread, ids, author }: {
    readonly thread: number;
    readonly ids: readonly string[];
    readonly author: string;
  },
): readonly Effect[] {
  for (const id of ids) {
    // Its other devices need not say so once more.
    if (author === own.account) lost.noteSaidAgain(thread, id, clock.now());
    if (lost.get(thread, id)?.author === author) messages.forgetUnreadable(thread, id);
  }
  return [];
}

function idOf(content: Uint8Array): string | undefined {
  try {
    return decodeContent(content).id;
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

/** Requests for messages that could not be read, and what is said again, as they arrive. */
import { toBase64url } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { resendLimits } from "../../../lib/base/limits.ts";
import { decodeContent } from "../content/codec.ts";
import type { ContentHandler } from "../content/facts.ts";
import type { ResendBody, ResentBody } from "../content/resend.ts";

/** Somebody asks. Whoever asked for the same waits for that answer; the author's devices give it. */
export const applyResend: ContentHandler<ResendBody> = (core, { thread, body, from }) => {
  const { lost, clock, own, resends } = core;
  const until = clock.now() + resendLimits.askAgainMs;
  for (const id of body.messages) lost.postpone(thread, id, until);
  if (body.to !== own.account || from.device === own.device) return [];
  const asked = { thread, messages: body.messages, asker: from.account };
  return [{ kind: "run", run: () => resends.answerSoon(asked) }];
};

/** Something is said again. It is kept until it was verified, which needs the directory. */
export const applyResent: ContentHandler<ResentBody> = (core, { thread, body, from }) => {
  const { lost, clock, resends } = core;
  const id = idOf(body);
  if (id === undefined) return [];
  lost.noteSaidAgain(thread, id, clock.now());
  const missing = lost.get(thread, id);
  if (missing === undefined || missing.author !== from.account) return [];
  lost.answer(missing, {
    content: toBase64url(body.content),
    signature: toBase64url(body.signature),
    certificate: toBase64url(body.certificate),
  });
  return [{ kind: "run", run: () => resends.verifySoon() }];
};

function idOf({ content }: ResentBody): string | undefined {
  try {
    return decodeContent(content).id;
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

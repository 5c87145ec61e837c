/** Requests whose body one frame cannot hold. */
import { peerLimits } from "../../lib/base/limits.ts";
import type { ArrivedAnswer, Question } from "./asking.ts";

/** Whoever can be asked. */
interface Asked {
  ask(question: Question, body?: Uint8Array): Promise<ArrivedAnswer>;
}

/** Half a frame: as much as may be under way at once. */
const pieceBytes = peerLimits.requestBytesInFlight;

/**
 * Asks; pieces of a commit that is too large go ahead, all over the same link, since what the other side has staged ends
 * with it. Rejects as `asked` does.
 */
export async function askInPieces(
  asked: Asked,
  question: Question,
  body?: Uint8Array,
): Promise<ArrivedAnswer> {
  const hash = question.kind === "request" && "hash" in question.message
    ? question.message.hash
    : undefined;
  if (question.kind !== "request" || hash === undefined || body === undefined) {
    return await asked.ask(question, body);
  }
  const { certificate } = question;
  let offset = 0;
  for (; body.length - offset > pieceBytes; offset += pieceBytes) {
    const message = { type: "conversation.stage", hash, offset } as const;
    const piece = body.subarray(offset, offset + pieceBytes);
    await asked.ask({ kind: "request", certificate, message }, piece);
  }
  return await asked.ask(question, body.subarray(offset));
}

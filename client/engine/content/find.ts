/** Finding the message that somebody means. */
import { AppError } from "../../../lib/base/errors.ts";
import { isUuid } from "../../../lib/base/ids.ts";
import type { Messages, StoredMessage } from "../../store/messages.ts";

/** A shorter beginning of an id is a slip. */
const leastDigits = 4;

/**
 * The message of that id, of that beginning of an id, or of that number (`local`); among the lines of some threads or of all.
 * Throws `AppError("not_found")`, also when several fit.
 */
export function findMessage(
  messages: Messages,
  { reference, threads }: {
    readonly reference: string;
    readonly threads: readonly number[] | undefined;
  },
): StoredMessage {
  const found = candidates(messages, reference.toLowerCase()).filter((message) =>
    !message.silent && (threads === undefined || threads.includes(message.thread))
  );
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const text = first === undefined
    ? "there is no such message"
    : "several messages begin like that";
  throw new AppError("not_found", { text, fault: "us" });
}

function candidates(messages: Messages, reference: string): StoredMessage[] {
  const present = (message: StoredMessage | undefined) => message === undefined ? [] : [message];
  if (isUuid(reference)) return present(messages.byId(reference));
  const numbered = /^[1-9]\d{0,14}$/.test(reference)
    ? present(messages.get(Number(reference)))
    : [];
  if (numbered.length > 0) return numbered;
  const isBeginning = reference.length >= leastDigits && /^[0-9a-f-]+$/.test(reference);
  return isBeginning ? messages.beginning(reference) : [];
}

/** Waiting for what becomes of messages. */
import type { ChatMessage, Engine } from "../../../client/engine/api.ts";
import { shown } from "../engine/kit.ts";

/** A direct conversation. */
export const to = (name: string) => ({ kind: "direct", name }) as const;

/** Waits until the message looks as wanted. */
export function changed(
  engine: Engine,
  id: string,
  fits: (message: ChatMessage) => boolean,
): Promise<ChatMessage> {
  return shown(engine, (one) => one.id === id && fits(one), `a change of ${id}`);
}

/** Waiting for what becomes of messages. */
import type { ChatMessage, Engine } from "../../../client/engine/api.ts";
import { nextEvent } from "../engine/kit.ts";

/** A direct conversation. */
export const to = (name: string) => ({ kind: "direct", name }) as const;

/** Waits until the message looks as wanted. */
export async function changed(
  engine: Engine,
  id: string,
  fits: (message: ChatMessage) => boolean,
): Promise<ChatMessage> {
  const known = (await engine.history({})).find((one) => one.id === id);
  if (known !== undefined && fits(known)) return known;
  const event = await nextEvent(
    engine,
    (one) => one.kind === "changed" && one.message.id === id && fits(one.message),
    { what: `a change of ${id}` },
  );
  if (event.kind !== "changed") throw new Error("not a change");
  return event.message;
}

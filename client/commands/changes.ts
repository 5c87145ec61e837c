/** One-shot commands that change what was said: edit, delete, react, expire. */
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { ChatMessage, Engine } from "../engine/api.ts";
import { safe } from "../ui/format.ts";
import { lifetimeRange, lifetimeSentence, parseLifetime } from "../ui/lifetime.ts";
import { addressOf, targetOf } from "../ui/target.ts";
import { expiryJson, jsonLine, messageJson } from "./json.ts";
import { stoppedForGood } from "./messages.ts";
import { remark, type Run, withEngine } from "./session.ts";

/** Gives an own message another text: TEXT, or standard input. */
export async function editMessage(run: Run, id: string, text: string | undefined): Promise<void> {
  const next = text ?? (await run.world.restOfInput()).replace(/\r?\n$/, "");
  if (next.trim() === "") throw new ExitError("usage", "There is no text to send.");
  await change(run, id, (engine, message) => engine.content.edit(message.id, next));
}

/** Deletes an own message for everybody. */
export async function deleteMessage(run: Run, id: string): Promise<void> {
  await change(run, id, (engine, message) => engine.content.remove(message.id));
}

/** Gives a message a reaction, or takes it back. */
export async function reactTo(
  run: Run,
  options: { readonly id: string; readonly emoji: string; readonly remove: boolean },
): Promise<void> {
  const { id, emoji, remove } = options;
  await change(run, id, (engine, message) => engine.content.react(message.id, emoji, { remove }));
}

/** Says, or sets, how long messages of a conversation stay. */
export async function expire(run: Run, name: string, time: string | undefined): Promise<void> {
  const target = targetOf(name);
  const after = time === undefined ? undefined : parseLifetime(time);
  if (time !== undefined && after === undefined) {
    throw new ExitError("usage", `${safe(time, 20)}: give ${lifetimeRange}.`);
  }
  await withEngine(run, async (engine) => {
    if (after !== undefined) {
      await engine.start({ receive: false, keepTrying: true, signal: run.signal });
      await settle(run, engine, (await engine.content.expire(target, after)).id);
    }
    const now = await engine.content.lifetime(target);
    const conversation = addressOf(target);
    if (!run.flags.json) return run.world.out(lifetimeSentence(safe(conversation, 70), now));
    run.world.out(jsonLine(expiryJson(conversation, now)));
  });
}

async function change(
  run: Run,
  reference: string,
  act: (engine: Engine, message: ChatMessage) => Promise<{ readonly id: string }>,
): Promise<void> {
  await withEngine(run, async (engine) => {
    await engine.start({ receive: true, keepTrying: true, signal: run.signal });
    const message = await find(run, engine, reference);
    await settle(run, engine, (await act(engine, message)).id);
    if (run.flags.json) await print(run, engine, message.id);
  });
}

/** What is not here yet may wait at the server. */
async function find(run: Run, engine: Engine, reference: string): Promise<ChatMessage> {
  const known = await engine.content.find(reference).catch(missing);
  if (known !== undefined) return known;
  await engine.caughtUp(run.signal);
  return await engine.content.find(reference);
}

function missing(thrown: unknown): undefined {
  if (!(thrown instanceof AppError) || thrown.code !== "not_found") throw thrown;
}

/** The message as it is now; one that was never sent is gone. */
async function print(run: Run, engine: Engine, id: string): Promise<void> {
  const message = await engine.content.find(id).catch(missing);
  if (message !== undefined) run.world.out(jsonLine(messageJson(message, engine.self.name)));
}

async function settle(run: Run, engine: Engine, id: string): Promise<void> {
  const stopped = stoppedForGood(engine);
  try {
    await Promise.race([engine.content.settled(id, run.signal), stopped.rejection]);
  } catch (error) {
    if (!run.signal.aborted || run.world.signal.aborted) throw error;
    remark(run, "Nothing is lost: it waits here.");
    const text = "The change is queued and will be sent when the server can be reached.";
    throw new ExitError("queued", text, { cause: error });
  } finally {
    stopped.forget();
  }
}

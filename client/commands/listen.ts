/** One-shot `listen`: every message as it arrives, printed or handed to a command. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { ChatMessage, Engine } from "../engine/api.ts";
import { safe } from "../ui/format.ts";
import { jsonLine, messageJson } from "./json.ts";
import { aborted, answered, markAll, optional, print, stoppedForGood } from "./messages.ts";
import { remark, type Run, withEngine } from "./session.ts";

/** What `listen` does beside printing. */
export interface ListenOptions {
  readonly conversation: string | undefined;
  /** End after the first message. */
  readonly once: boolean;
  /** Run this with the shell for each message, which it gets as JSON on its standard input, instead of printing it. */
  readonly exec: string | undefined;
}

/** Hands out every unread message once and then each as it arrives, marking it as read; `--timeout` ends it. */
export async function listen(run: Run, options: ListenOptions): Promise<void> {
  const { target } = optional(options.conversation);
  await withEngine(run, async (engine) => {
    const arrivals = arrivalsOf(run, engine);
    const stopped = stoppedForGood(engine);
    const end = Promise.race([aborted(run.signal), stopped.rejection]);
    // Whoever waits for it below hears of it.
    end.catch(() => undefined);
    try {
      await engine.start({ receive: true, keepTrying: true, signal: run.signal });
      for (;;) {
        const arrival = arrivals.next();
        const waiting = (await engine.unread(target)).filter(answered(target));
        const taken = options.once ? waiting.slice(0, 1) : waiting;
        await handOut(run, engine, { taken, exec: options.exec });
        if (options.once && taken.length > 0) return;
        await Promise.race([arrival, end]);
      }
    } catch (error) {
      if (!run.signal.aborted || run.world.signal.aborted) throw error;
      timeIsUp({ once: options.once, ...arrivals, error });
    } finally {
      arrivals.forget();
      stopped.forget();
    }
  });
}

/** Wakes whoever waits when something may have arrived; tells of warnings. */
function arrivalsOf(run: Run, engine: Engine) {
  let wake = () => {};
  let wasOnline = false;
  let reason = "";
  const forget = engine.subscribe((event) => {
    if (event.kind === "message" || event.kind === "caught_up") wake();
    if (event.kind === "warning") remark(run, safe(event.text, 500));
    if (event.kind !== "connection") return;
    if (event.state.kind === "online") wasOnline = true;
    // At its end the client goes offline for a reason of its own.
    if (event.state.kind === "offline" && !run.signal.aborted) ({ reason } = event.state);
  });
  return {
    next: () => new Promise<void>((resolve) => wake = resolve),
    wasOnline: () => wasOnline,
    reason: () => reason,
    forget,
  };
}

/** Listening for so long was what was wanted, unless it was for one message, or nothing could come. */
function timeIsUp(
  { once, wasOnline, reason, error: cause }: {
    readonly once: boolean;
    readonly wasOnline: () => boolean;
    readonly reason: () => string;
    readonly error: unknown;
  },
): void {
  if (!wasOnline()) {
    const why = reason() === "" ? "" : `: ${reason()}`;
    throw new ExitError("network", `Not connected in the time given${why}.`, { cause });
  }
  if (once) throw new ExitError("notFound", "No message came in the time given.", { cause });
}

/** A message is marked as read when it was printed, or when its command has succeeded. */
async function handOut(
  run: Run,
  engine: Engine,
  { taken, exec }: { taken: readonly ChatMessage[]; exec: string | undefined },
): Promise<void> {
  if (exec === undefined) {
    for (const message of taken) print(run, engine, message);
    return await markAll(engine, taken);
  }
  for (const message of taken) {
    // The text goes to standard input alone: in the command line the shell would obey it.
    const json = messageJson(message, engine.self.name);
    const code = await run.world.shell(exec, { input: `${jsonLine(json)}\n`, env: execEnv(json) });
    if (code !== 0) {
      throw new ExitError("failed", `The command ended with ${code}; its message stays unread.`);
    }
    await engine.markRead(message);
  }
}

/** The same data for a command that reads no JSON. No environment variable can hold a NUL. */
function execEnv(message: ReturnType<typeof messageJson>): Record<string, string> {
  const { id, conversation, from, text, kind, time } = message;
  const values = {
    ID: id,
    CONVERSATION: conversation,
    FROM: from,
    TEXT: text,
    KIND: kind,
    TIME: time,
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `SEALPOST_${name}`,
      value.replaceAll("\0", "\ufffd"),
    ]),
  );
}

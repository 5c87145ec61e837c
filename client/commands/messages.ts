/** One-shot commands about messages: send, read, unread, history, listen, export. */
import { AppError, isErrorCode } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { ChatMessage, Engine, HistoryQuery, Target, WaitedState } from "../engine/api.ts";
import { writeNewFile } from "../ui/files.ts";
import { counted, errorText, formatMessage, safe } from "../ui/format.ts";
import { targetOf } from "../ui/target.ts";
import { groupLine } from "../ui/group_words.ts";
import { groupJson, jsonLine, messageJson } from "./json.ts";
import { connectAndCatchUp, remark, type Run, styleOf, withEngine } from "./session.ts";

/** Flags of `send`. */
export interface SendFlags {
  readonly lines?: boolean;
  /** `reached`: the servers of all whom it is for have it. */
  readonly wait: WaitedState;
  /** The message that the first text answers: its id, the beginning of it, or its number. */
  readonly replyTo?: string;
}

/** Sends TEXT, standard input, or with `--lines` each line of it, and waits until it has got as far as asked. */
export async function send(
  run: Run,
  options: { to: string; text: string | undefined; flags: SendFlags },
): Promise<void> {
  const target = targetOf(options.to);
  await withEngine(run, async (engine) => {
    // How far it gets beyond the server comes as an event.
    const receive = options.flags.wait !== "sent";
    if (await isKnown(engine, target)) {
      await engine.start({ receive, keepTrying: true, signal: run.signal });
    } else {
      await connectAndCatchUp(run, engine);
    }
    const ids: string[] = [];
    const { replyTo } = options.flags;
    const answered = replyTo === undefined ? undefined : await engine.content.find(replyTo, target);
    for await (const text of texts(run, options)) {
      const isAnswer = answered !== undefined && ids.length === 0;
      const sending = isAnswer
        ? engine.content.reply(answered.id, text)
        : engine.send(target, text);
      ids.push((await sending).id);
    }
    if (ids.length === 0) throw new ExitError("usage", "There is no text to send.");
    for (const id of ids) await report(run, engine, await settled(run, engine, { id, ...options }));
  });
}

/** Whether the group is known here; if not, an invitation may be waiting at the server. */
async function isKnown(engine: Engine, target: Target): Promise<boolean> {
  if (target.kind !== "group") return true;
  try {
    await engine.groups.info(target);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return false;
    throw error;
  }
}

async function* texts(
  run: Run,
  { text, flags }: { text: string | undefined; flags: SendFlags },
): AsyncGenerator<string> {
  if (text !== undefined) return text.trim() === "" ? undefined : yield text;
  if (flags.lines !== true) {
    const all = (await run.world.restOfInput()).replace(/\r?\n$/, "");
    if (all.trim() !== "") yield all;
    return;
  }
  for (;;) {
    const line = await run.world.nextInputLine();
    if (line === undefined) return;
    if (line.trim() !== "") yield line;
  }
}

async function settled(
  run: Run,
  engine: Engine,
  options: { id: string; to: string; flags: SendFlags },
): Promise<ChatMessage> {
  const stopped = stoppedForGood(engine);
  try {
    const reached = engine.waitFor(options.id, options.flags.wait, run.signal);
    return await Promise.race([reached, stopped.rejection]);
  } catch (error) {
    if (!run.signal.aborted || run.world.signal.aborted) throw error;
    const wanted = options.flags.wait;
    throw new ExitError("queued", await lateText(engine, { ...options, wanted }), { cause: error });
  } finally {
    stopped.forget();
  }
}

/** Why a message has not got as far as wanted in the time given, and what happens to it now. */
export async function lateText(
  engine: Engine,
  { id, to, wanted }: { readonly id: string; readonly to: string; readonly wanted: string },
): Promise<string> {
  const { state, away } = await engine.content.find(id);
  if (state !== "queued" && away === undefined) {
    const command = `sealpost client history ${safe(to, 70)}`;
    return `Sent, but not ${wanted} in the time given. ${command} shows how far it has got.`;
  }
  const connection = engine.connection();
  const reason = connection.kind === "offline"
    ? connection.reason
    : away && `the server ${safe(away, 64)} cannot be reached just now`;
  const why = reason === undefined ? "" : `: ${reason}`;
  return `Not sent in the time given${why}. It stays in the queue, and goes out with the next ` +
    "command or chat of this account that reaches the server.";
}

function failedMessage({ problem, problemCode = "internal" }: ChatMessage): AppError {
  return new AppError(isErrorCode(problemCode) ? problemCode : "internal", {
    text: `Not sent: ${problem ?? "the server refused it"}`,
  });
}

async function report(run: Run, engine: Engine, message: ChatMessage): Promise<void> {
  if (message.state === "failed") throw await refusal(engine, message);
  if (run.flags.json) print(run, engine, message);
}

/** The refusal of a message. What was for nobody at all does not stay in the history. */
export async function refusal(engine: Engine, message: ChatMessage): Promise<AppError> {
  if (message.problemCode === "no_such_user") await engine.content.remove(message.id);
  return failedMessage(message);
}

/** Prints a message as the flags say. */
export function print(run: Run, engine: Engine, message: ChatMessage): void {
  const self = engine.self.name;
  run.world.out(
    run.flags.json
      ? jsonLine(messageJson(message, self))
      : formatMessage(message, { style: styleOf(run), self }),
  );
}

/** The conversation that a name means, where one was given. */
export const optional = (conversation: string | undefined): { target?: Target } =>
  conversation === undefined ? {} : { target: targetOf(conversation) };

/** What a new device says as long as it does not have everything. */
export const historyMissing =
  "Not all of the account's history is here yet: there may be more than this. Try again later.";

/** Prints unread messages, earliest first, at most `count`, and marks them as read. */
export async function read(
  run: Run,
  options: { conversation: string | undefined; count: number | undefined },
): Promise<void> {
  await withEngine(run, async (engine) => {
    await catchUpWithHistory(run, engine);
    const { target } = optional(options.conversation);
    const waiting = (await engine.unread(target)).filter(answered(target)).slice(0, options.count);
    for (const message of waiting) print(run, engine, message);
    await markAll(engine, waiting);
    remarkOnNothing(run, engine, waiting.length);
  });
}

/** A stranger's messages are only for whoever asks for them. */
export function answered(target: Target | undefined): (message: ChatMessage) => boolean {
  return ({ request }) => request !== true || target !== undefined;
}

/** Marks the last message of every conversation among `messages`. */
export async function markAll(engine: Engine, messages: readonly ChatMessage[]): Promise<void> {
  const last = new Map(messages.map((message) => [message.conversation, message]));
  for (const message of last.values()) await engine.markRead(message);
}

/** Prints unread messages, earliest first, and leaves them unread; and what waits for an answer. */
export async function unread(run: Run, conversation: string | undefined): Promise<void> {
  await withEngine(run, async (engine) => {
    await catchUpWithHistory(run, engine);
    const waiting = await engine.unread(optional(conversation).target);
    for (const message of waiting) print(run, engine, message);
    const invitations = conversation === undefined
      ? (await engine.groups.list()).filter(({ standing }) => standing === "request")
      : [];
    for (const one of invitations) {
      run.world.out(run.flags.json ? jsonLine(groupJson(one)) : groupLine(one));
    }
    remarkOnNothing(run, engine, waiting.length + invitations.length);
  });
}

/** Flags of `history` and `export`. */
export interface HistoryFlags {
  readonly number?: number;
  readonly grep?: string;
}

function query(conversation: string | undefined, flags: HistoryFlags): HistoryQuery {
  return {
    ...optional(conversation),
    ...(flags.number === undefined ? {} : { limit: flags.number }),
    ...(flags.grep === undefined ? {} : { grep: expression(flags.grep, "--grep") }),
  };
}

/** The regular expression that somebody gave as `what`. Throws `ExitError` (usage). */
export function expression(source: string, what: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch (error) {
    throw new ExitError("usage", `${what}: ${errorText(error)}`, { cause: error });
  }
}

/** Prints stored messages; what waits at the server is fetched first, when it can be reached. */
export async function history(
  run: Run,
  options: { conversation: string | undefined; flags: HistoryFlags },
): Promise<void> {
  const wanted = query(options.conversation, options.flags);
  await withEngine(run, async (engine) => {
    await catchUpIfPossible(run, engine);
    const messages = await engine.history(wanted);
    for (const message of messages) print(run, engine, message);
    remarkOnNothing(run, engine, messages.length);
  });
}

/** Waits until what waited at the server is here, and on a new device the account's history. */
async function catchUpWithHistory(run: Run, engine: Engine): Promise<void> {
  await connectAndCatchUp(run, engine);
  await engine.archive.fetched(run.signal);
}

/** Says so when there was nothing to print; on a device that does not have the whole history nobody knows. */
function remarkOnNothing(run: Run, engine: Engine, printed: number): void {
  if (!engine.archive.isHere()) return remark(run, historyMissing);
  if (printed === 0) remark(run, "No Messages Yet");
}

async function catchUpIfPossible(run: Run, engine: Engine): Promise<void> {
  try {
    await catchUpWithHistory(run, engine);
  } catch (error) {
    if (run.world.signal.aborted) throw error;
    remark(run, `Showing what is stored here only: ${errorText(error)}`);
  }
}

/** Rejects with the signal's reason. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Rejects when the connection has ended in a way that only a person can mend. */
export function stoppedForGood(engine: Engine): { rejection: Promise<never>; forget: () => void } {
  let forget = () => {};
  const rejection = new Promise<never>((_, reject) => {
    const check = () => {
      const state = engine.connection();
      if (state.kind !== "stopped") return;
      reject(
        new AppError(isErrorCode(state.code) ? state.code : "internal", { text: state.reason }),
      );
    };
    forget = engine.subscribe((event) => {
      if (event.kind === "connection") check();
    });
    check();
  });
  // Whoever no longer waits for it must not hear of it either.
  rejection.catch(() => undefined);
  return { rejection, forget };
}

/** Flags of `export`. */
export interface ExportFlags extends HistoryFlags {
  readonly signed?: boolean;
  readonly output?: string;
}

/** Writes messages as JSON lines, or with `--signed` as receipts that `sealpost verify` checks offline. */
export async function exportMessages(
  run: Run,
  options: { conversation: string | undefined; flags: ExportFlags },
): Promise<void> {
  const wanted = query(options.conversation, options.flags);
  await withEngine(run, async (engine) => {
    await catchUpIfPossible(run, engine);
    const lines = options.flags.signed
      ? await engine.exportSigned(wanted)
      : (await engine.history(wanted)).map((m) => jsonLine(messageJson(m, engine.self.name)));
    const { output } = options.flags;
    if (output === undefined) return lines.forEach((line) => run.world.out(line));
    await writeNewFile(output, lines.map((line) => `${line}\n`).join(""));
    const what = counted(lines.length, options.flags.signed ? "receipt" : "message");
    remark(run, `${what} written to ${safe(output, 500)}`);
  });
}

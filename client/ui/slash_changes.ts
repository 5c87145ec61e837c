/** Slash commands that change what was said: the last message, or the one whose number `/history` shows. */
import { AppError } from "../../lib/base/errors.ts";
import type { ChatMessage } from "../engine/api.ts";
import type { ChatContext } from "./chat_context.ts";
import { safe } from "./format.ts";
import { lifetimeRange, lifetimeSentence, parseLifetime } from "./lifetime.ts";
import { usageOf } from "./slash.ts";
import { addressOf, targetOf } from "./target.ts";

/** Messages that are looked through for the last one that fits. */
const lookBack = 200;

type Fits = (message: ChatMessage) => boolean;

const alive: Fits = ({ kind, deleted }) => kind === "text" && deleted !== true;
const own: Fits = (message) => message.own && alive(message);
const others: Fits = (message) => !message.own && alive(message);

/**
 * `12: the rest`, or the rest alone. A number is only meant with its colon, or where nothing else can stand. Throws
 * `AppError("not_found")` for one that was never given: what follows it must not reach the wrong message.
 */
function numbered(
  { numbers }: ChatContext,
  rest: string,
): { readonly number: string | undefined; readonly rest: string } {
  const match = /^(a?\d+)(?::\s*|\s*$)(.*)$/is.exec(rest);
  if (match?.[1] === undefined) return { number: undefined, rest };
  const number = numbers.reference(match[1]);
  if (number !== undefined) return { number, rest: (match[2] ?? "").trim() };
  const text = `no message is called ${match[1]} here; /history shows numbers. Nothing was sent.`;
  throw new AppError("not_found", { text, fault: "us" });
}

/** The message with that number, else the last one in the conversation at hand that fits. */
async function meant(
  chat: ChatContext,
  number: string | undefined,
  fits: Fits,
): Promise<ChatMessage | undefined> {
  const { engine } = chat.options;
  if (number !== undefined) return await engine.content.find(number);
  const last = (await engine.history({ target: chat.target, limit: lookBack })).findLast(fits);
  if (last === undefined) {
    const where = safe(addressOf(chat.target), 70);
    chat.remark(
      `No message in ${where} can be meant; /to NAME turns to others, /history shows numbers.`,
    );
  }
  return last;
}

const usage = (chat: ChatContext, name: "reply" | "edit" | "delete" | "react" | "expire") =>
  chat.remark(`Usage: ${usageOf(name)}`);

/** `/reply [NUMBER:] TEXT` */
export async function reply(chat: ChatContext, typed: string): Promise<void> {
  const { number, rest } = numbered(chat, typed);
  if (rest === "") return usage(chat, "reply");
  const message = await meant(chat, number, others);
  if (message !== undefined) await chat.options.engine.content.reply(message.id, rest);
}

/** `/edit [NUMBER:] TEXT` */
export async function edit(chat: ChatContext, typed: string): Promise<void> {
  const { number, rest } = numbered(chat, typed);
  if (rest === "") return usage(chat, "edit");
  const message = await meant(chat, number, own);
  if (message !== undefined) await chat.options.engine.content.edit(message.id, rest);
}

/** `/delete [NUMBER]` */
export async function remove(chat: ChatContext, typed: string): Promise<void> {
  const { number, rest } = numbered(chat, typed);
  if (rest !== "") return usage(chat, "delete");
  const message = await meant(chat, number, own);
  if (message === undefined) return;
  const { engine, dialogue } = chat.options;
  await engine.content.remove(message.id);
  // At a terminal the line about the change says so.
  if (!dialogue.interactive) chat.remark(`Deleted for everybody: "${safe(message.text, 40)}"`);
}

/** `/react [NUMBER:] EMOJI`; with a `-` in front of the emoji it is taken back. */
export async function react(chat: ChatContext, typed: string): Promise<void> {
  const { number, rest } = numbered(chat, typed);
  const remove = rest.startsWith("-");
  const emoji = remove ? rest.slice(1) : rest;
  if (emoji === "") return usage(chat, "react");
  const message = await meant(chat, number, others);
  if (message !== undefined) await chat.options.engine.content.react(message.id, emoji, { remove });
}

/** `/expire [NAME] [TIME|off]` */
export async function expire(chat: ChatContext, typed: string): Promise<void> {
  const words = typed.split(/\s+/).filter((word) => word !== "");
  if (words.length > 2) return usage(chat, "expire");
  const time = parseLifetime(words.at(-1) ?? "");
  const name = time === undefined ? words[0] : words.length === 2 ? words[0] : undefined;
  if (time === undefined && words.length === 2) {
    return chat.remark(`/expire takes ${lifetimeRange}.`);
  }
  const target = name === undefined ? chat.target : targetOf(name);
  const { content } = chat.options.engine;
  if (time !== undefined) await content.expire(target, time);
  chat.remark(lifetimeSentence(safe(addressOf(target), 70), await content.lifetime(target)));
}

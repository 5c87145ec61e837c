/** `/notify`: of what somebody wants to be told by the terminal, and how. */
import type { AlertScope, AlertSettings } from "../engine/api_desk.ts";
import type { ChatContext } from "./chat_context.ts";
import { safe } from "./format.ts";
import { usageOf } from "./slash.ts";
import { addressOf, targetOf } from "./target.ts";

const scopes: readonly string[] = ["off", "mentions", "all"] satisfies AlertScope[];
const ways: readonly string[] = ["bell", "osc9", "osc777"] satisfies AlertSettings["by"][];

const isScope = (word: string): word is AlertScope => scopes.includes(word);
const isWay = (word: string): word is AlertSettings["by"] => ways.includes(word);

/** `/notify [NAME|#GROUP|here] [off|mentions|all|usual]`, `/notify bell|osc9|osc777`, `/notify text on|off`, `/notify test`. */
export function notify(chat: ChatContext, rest: string): Promise<void> {
  const { desk } = chat.options.engine;
  const words = rest.split(/\s+/).filter((word) => word !== "");
  const before = desk.alerts();
  if (words.length === 1 && words[0] === "test") {
    chat.options.dialogue.alert({ by: before.by, text: "Sealpost: this is what it is like" });
    return Promise.resolve();
  }
  const after = words.length === 0 ? before : changed(chat, before, words);
  if (after === undefined) chat.remark(`Usage: ${usageOf("notify")}`);
  else {
    if (after !== before) desk.setAlerts(after);
    chat.say(describe(after));
  }
  return Promise.resolve();
}

function changed(
  chat: ChatContext,
  before: AlertSettings,
  words: readonly string[],
): AlertSettings | undefined {
  const [first = "", second, third] = words.map((word) => word.toLowerCase());
  if (third !== undefined) return undefined;
  if (second === undefined) {
    if (isScope(first)) return { ...before, scope: first };
    return isWay(first) ? { ...before, by: first } : undefined;
  }
  if (first === "text") {
    return second === "on" || second === "off" ? { ...before, text: second === "on" } : undefined;
  }
  const address = addressOf(first === "here" ? chat.target : targetOf(first)).toLowerCase();
  const { [address]: _, ...others } = before.conversations;
  if (second === "usual") return { ...before, conversations: others };
  if (!isScope(second)) return undefined;
  return { ...before, conversations: { ...others, [address]: second } };
}

const scopeTexts: Readonly<Record<AlertScope, string>> = {
  off: "nothing",
  mentions: "private messages and your name",
  all: "every message",
};

const wayTexts: Readonly<Record<AlertSettings["by"], string>> = {
  bell: "the terminal's bell",
  osc9: "OSC 9 (iTerm2, kitty, WezTerm, foot, Windows Terminal)",
  osc777: "OSC 777 (GNOME terminals, urxvt, foot)",
};

function describe({ by, scope, text, conversations }: AlertSettings): string {
  const exceptions = Object.entries(conversations)
    .map(([address, one]) => `${safe(address, 70)}  ${scopeTexts[one]}`);
  return [
    `You are told of ${scopeTexts[scope]}, by ${wayTexts[by]}, ${
      text && by !== "bell" ? "with the text" : "without the text"
    }.`,
    ...exceptions,
    "Never of what was waiting when you came.",
  ].join("\n");
}

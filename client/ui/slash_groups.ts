/** What the slash commands about groups, requests and blocked accounts do. */
import type { Target } from "../engine/api.ts";
import type { ChatContext } from "./chat_context.ts";
import { formatTime, safe } from "./format.ts";
import {
  actOnGroup,
  groupActions,
  groupLine,
  groupUsage,
  GroupUsageError,
  isGroupAction,
  memberLines,
  requestTarget,
} from "./group_words.ts";
import { addressOf } from "./target.ts";

/** `/group ACTION ...`: where the group is left out, the one at hand is meant. */
export async function groupSlash(chat: ChatContext, rest: string): Promise<void> {
  const all = rest.split(/\s+/).filter((word) => word !== "");
  const owner = all.includes("--owner");
  const [action = "list", ...words] = all.filter((word) => word !== "--owner");
  if (!isGroupAction(action)) {
    const usages = Object.keys(groupActions).filter(isGroupAction).map((one) =>
      `/${groupUsage(one)}`
    );
    return chat.remark(`Usage:\n${usages.join("\n")}`);
  }
  const named = action !== "members" || words.length > 0 ? words : [addressOf(chat.target)];
  try {
    const outcome = await actOnGroup(chat.options.engine, { action, words: named, owner });
    for (const line of outcome.said) chat.remark(line);
    if (outcome.asked === "groups") {
      chat.say(outcome.groups.map(groupLine).join("\n") || "No groups yet.");
    }
    if (outcome.asked === "members") {
      chat.say(outcome.groups.flatMap(memberLines).join("\n"));
    }
    const [made] = outcome.groups;
    if (action === "create" && made !== undefined) await chat.turnTo(made.target);
    if (action === "rename" && made !== undefined && isSame(made.target, chat.target)) {
      await chat.turnTo(made.target);
    }
  } catch (error) {
    if (!(error instanceof GroupUsageError)) throw error;
    chat.remark(error.message.replace("Usage: ", "Usage: /"));
  }
  await chat.recount();
}

const isSame = (a: Target, b: Target) => a.kind === "group" && b.kind === "group" && a.id === b.id;

/** `/accept [NAME]`, `/decline [NAME]`: without a name the request at hand, or the only one. */
export async function answerSlash(
  chat: ChatContext,
  { answer, name }: { readonly answer: "accept" | "decline"; readonly name: string },
): Promise<void> {
  const { engine } = chat.options;
  const target = name === "" ? await onlyRequest(chat) : await requestTarget(engine, name);
  if (target === undefined) return;
  await engine.requests.answer(target, answer);
  const done = answer === "accept" ? "accepted" : "declined";
  chat.remark(`${safe(addressOf(target), 70)} is ${done}.`);
  await chat.recount();
}

async function onlyRequest(chat: ChatContext): Promise<Target | undefined> {
  const waiting = (await chat.options.engine.conversations()).filter(({ request }) => request);
  const [first] = waiting;
  if (first !== undefined && waiting.length === 1) return first.target;
  const names = waiting.map(({ target }) => safe(addressOf(target), 70)).join(", ");
  chat.remark(waiting.length === 0 ? "There are no requests." : `Which? ${names}`);
  return undefined;
}

/** `/block [NAME | @SERVER]`: without a name, who is blocked. */
export async function blockSlash(chat: ChatContext, name: string): Promise<void> {
  const { engine, style } = chat.options;
  if (name !== "") {
    const who = await engine.requests.block(name);
    chat.remark(`${safe(who, 64)} is blocked; /unblock ends that.`);
    return await chat.recount();
  }
  const list = await engine.requests.blocked();
  const lines = list.map((one) =>
    `${safe(one.name, 64)}  since ${formatTime(one.since, style.utc)}`
  );
  chat.say(lines.join("\n") || "Nobody is blocked.");
}

/** `/unblock NAME`. */
export async function unblockSlash(chat: ChatContext, name: string): Promise<void> {
  const who = await chat.options.engine.requests.unblock(name);
  chat.remark(`${safe(who, 64)} is not blocked any more.`);
}

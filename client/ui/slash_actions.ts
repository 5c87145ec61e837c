/** What each slash command does. */
import { AppError } from "../../lib/base/errors.ts";
import { describeArchive, describeSwitch } from "./archive.ts";
import type { KeyInfo } from "../engine/api.ts";
import type { ChatContext } from "./chat_context.ts";
import { describeKey } from "./describe_key.ts";
import { describeOwnDevice, deviceBy, otherDeviceBy } from "./devices.ts";
import { listFiles, saveFile, sendFile } from "./file_actions.ts";
import { formatNotification, formatUser, safe, stateDetail } from "./format.ts";
import { columnsOf } from "./layout.ts";
import { runMenu } from "./menu.ts";
import { askNewPassword } from "./prompts.ts";
import { safetyQr } from "./qr.ts";
import { helpTable, type SlashName, usageOf } from "./slash.ts";
import { edit, expire, react, remove, reply } from "./slash_changes.ts";
import { answerSlash, blockSlash, groupSlash, unblockSlash } from "./slash_groups.ts";
import { notify } from "./slash_notify.ts";
import { addressOf, targetOf } from "./target.ts";
import { writeNewFile } from "./files.ts";

type Action = (chat: ChatContext, rest: string) => Promise<"leave" | void>;

/** Runs a slash command; `leave` ends the chat. */
export function runSlash(
  chat: ChatContext,
  name: SlashName,
  rest: string,
): Promise<"leave" | void> {
  return actions[name](chat, rest);
}

/** The first word and everything after it. */
function split(rest: string): [string, string] {
  const match = /^(\S*)\s*(.*)$/s.exec(rest);
  return [match?.[1] ?? "", match?.[2] ?? ""];
}

const usage = (chat: ChatContext, name: SlashName) => chat.remark(`Usage: ${usageOf(name)}`);

const optionalTarget = (word: string) => word === "" ? {} : { target: targetOf(word) };

const msg: Action = async (chat, rest) => {
  const [name, text] = split(rest);
  if (name === "" || text === "") return usage(chat, "msg");
  await chat.send(targetOf(name), text);
};

const to: Action = async (chat, rest) => {
  if (rest === "" || /\s/.test(rest)) return usage(chat, "to");
  await chat.turnTo(targetOf(rest));
};

const compose: Action = async (chat, rest) => {
  const { dialogue } = chat.options;
  const receiver = rest !== "" ? rest : await answer(chat, "To: ");
  if (receiver === undefined || receiver === "") return;
  if (!dialogue.prompting) chat.remark("Text:");
  const text = await answer(chat, "Text: ");
  if (text === undefined || text.trim() === "") return chat.remark("Nothing was sent.");
  await chat.send(targetOf(receiver), text);
};

/** What there is when nothing is here: on a device to which the history has not come yet nobody knows. */
function nothing({ options: { engine } }: ChatContext): string {
  return engine.archive.isHere()
    ? "No Messages Yet"
    : "Nothing is here yet: your history is on its way.";
}

const unread: Action = async (chat, rest) => {
  const waiting = await chat.options.engine.unread(rest === "" ? undefined : targetOf(rest));
  chat.say(
    waiting.length === 0 ? nothing(chat) : waiting.map((message) => chat.line(message)).join("\n"),
  );
};

const read: Action = async (chat, rest) => {
  const { engine } = chat.options;
  const [earliest] = await engine.unread(rest === "" ? undefined : targetOf(rest));
  if (earliest === undefined) return chat.say(nothing(chat));
  chat.say(chat.line(earliest));
  await engine.markRead(earliest);
  await chat.recount();
};

const history: Action = async (chat, rest) => {
  const words = rest.split(/\s+/).filter((word) => word !== "");
  const limit = words.find((word) => /^\d+$/.test(word));
  const name = words.find((word) => word !== limit);
  const messages = await chat.options.engine.history({
    limit: limit === undefined ? 50 : Number(limit),
    ...optionalTarget(name ?? ""),
  });
  if (messages.length === 0) return chat.say(nothing(chat));
  const { utc } = chat.options.style;
  chat.say(
    messages.map((m) => chat.line(m) + stateDetail(m, utc) + ` (${chat.numbers.of(m)})`).join("\n"),
  );
};

const search: Action = async (chat, rest) => {
  const [first, more] = split(rest);
  const within = /^[@#]\S/.test(first) && more !== "";
  const text = within ? more : rest;
  if (text === "") return usage(chat, "search");
  // One more than is shown tells whether there are more.
  const found = await chat.options.engine.history({
    ...(within ? { target: targetOf(first) } : {}),
    contains: text,
    limit: mostFound + 1,
  });
  if (found.length === 0) return chat.say("Nothing found.");
  const shown = found.slice(-mostFound);
  chat.say(
    shown.map((message) => `${chat.line(message)} (${chat.numbers.of(message)})`).join("\n"),
  );
  if (found.length > mostFound) {
    chat.remark(`(the latest ${mostFound}; more words, or a conversation, find less)`);
  }
};

/** Messages that `/search` shows. */
const mostFound = 100;

const notifications: Action = async (chat) => {
  const { engine, style } = chat.options;
  const list = await engine.notifications({ unseen: true });
  const last = list.at(-1);
  if (last === undefined) return chat.say("No New Notifications");
  chat.say(list.map((notification) => formatNotification(notification, style)).join("\n"));
  await engine.notificationsSeen(Math.max(...list.map(({ id }) => id)));
};

const users: Action = async (chat, rest) => {
  if (rest !== "" && rest !== "--all") return usage(chat, "users");
  const list = await chat.options.engine.users(rest === "--all" ? "all" : "online");
  chat.say(list.map((user) => formatUser(user, chat.options.style)).join("\n") || "Nobody.");
};

const key: Action = async (chat, rest) => {
  const { engine } = chat.options;
  await showKey(chat, await engine.key(rest === "" ? engine.self.name : targetName(rest)));
};

/** With the safety number as a QR code where a terminal is wide enough for it. */
async function showKey(chat: ChatContext, info: KeyInfo): Promise<void> {
  chat.say(describeKey(info));
  const { columns } = chat.options.dialogue;
  if (info.safetyNumber === undefined || columns === undefined) return;
  const lines = await safetyQr(info.safetyNumber, { forced: true });
  if (columnsOf(lines[0] ?? "") < columns) chat.say(lines.join("\n"));
}

const verify: Action = async (chat, rest) => {
  if (rest === "") return usage(chat, "verify");
  const { engine } = chat.options;
  const info = await engine.key(targetName(rest));
  await showKey(chat, info);
  if (info.state === "own") return chat.remark("That is your own key.");
  const answered = await answer(
    chat,
    `Did ${safe(info.name, 64)} read you these same 60 digits by another way? (yes/no) `,
  );
  const verified = /^y(es)?$/i.test(answered?.trim() ?? "");
  if (verified) await engine.setVerified(info.name, true);
  chat.remark(verified ? `${safe(info.name, 64)} is verified.` : "Nothing was changed.");
};

const rekey: Action = async (chat, rest) => {
  const target = rest === "" ? chat.target : targetOf(rest);
  await chat.options.engine.rekey(target);
  chat.remark("Fresh keys are in use: whoever knew the old ones cannot read what comes now.");
};

const menu: Action = (chat) => runMenu(chat, (name, rest) => runSlash(chat, name, rest));

const devices: Action = async (chat, rest) => {
  const { engine, style } = chat.options;
  const [verb, more] = split(rest);
  const [id, label] = split(more);
  const known = verb === "" || (verb === "revoke" && id !== "") ||
    (verb === "rename" && label !== "");
  if (!known) return usage(chat, "devices");
  const own = await engine.devices.list();
  if (verb === "") return chat.say(own.map((one) => describeOwnDevice(one, style.utc)).join("\n"));
  if (verb === "rename") {
    await engine.devices.rename(deviceBy(id, own).device, label);
    return chat.remark("Renamed.");
  }
  const { device, revoked } = otherDeviceBy(id, own);
  if (revoked) return chat.remark("That device was removed before.");
  await engine.devices.revoke(device);
  chat.remark(`Removed ${device}. Change the password if somebody else may know it.`);
};

const archive: Action = async (chat, rest) => {
  const { engine } = chat.options;
  const [verb, name] = split(rest);
  if (verb === "" || verb === "status") return chat.say(describeArchive(engine.archive.status()));
  if ((verb !== "on" && verb !== "off") || /\s/.test(name)) return usage(chat, "archive");
  const target = name === "" ? chat.target : targetOf(name);
  const kept = verb === "on";
  const switched = await engine.archive.keep(target, kept);
  chat.remark(describeSwitch(addressOf(target), { kept, switched }));
};

const retry: Action = async (chat) => {
  const { engine } = chat.options;
  const failed = (await engine.history({})).filter(({ own, state }) => own && state === "failed");
  for (const message of failed) await engine.retry(message.id);
  chat.remark(failed.length === 0 ? "Nothing has failed." : `Trying ${failed.length} again.`);
};

const exportReceipts: Action = async (chat, rest) => {
  const [file, name] = split(rest);
  if (file === "") return usage(chat, "export");
  const receipts = await chat.options.engine.exportSigned(optionalTarget(name));
  await writeNewFile(file, receipts.map((receipt) => `${receipt}\n`).join(""));
  chat.remark(
    `${receipts.length} receipts in ${safe(file)}; check them with: sealpost verify FILE`,
  );
};

const password: Action = async (chat) => {
  const { dialogue, engine } = chat.options;
  const current = await dialogue.readLine("Current password: ", { hidden: true, keep: true });
  if (current.kind !== "line") return;
  // A script's lines go on with the new password whatever is said here: they must not be taken for messages.
  if (dialogue.interactive && !(await engine.isPassword(current.text))) {
    return chat.remark("That is not the current password. Nothing was changed.");
  }
  const next = await askNewPassword(dialogue, { name: engine.self.name });
  if (next === undefined) return chat.remark("The password was not changed.");
  await engine.changePassword(current.text, next);
  chat.remark("The password is changed.");
};

const whoami: Action = (chat) => {
  const { self } = chat.options.engine;
  chat.say([
    `account      ${safe(self.name, 64)} (${self.account})`,
    `key          ${self.fingerprint}`,
    `device       ${self.device}`,
    `server       ${safe(self.server.name, 64)} at ${safe(self.server.host)}:${self.server.port}`,
    `server key   ${self.serverFingerprint}`,
    `profile      ${safe(self.profile, 500)}`,
  ].join("\n"));
  return Promise.resolve();
};

const logout: Action = async (chat) => {
  await chat.options.forget();
  return "leave";
};

const members: Action = (chat, rest) => groupSlash(chat, `members ${rest}`);

const unblock: Action = async (chat, rest) => {
  if (rest === "") return usage(chat, "unblock");
  await unblockSlash(chat, rest);
};

const actions: Readonly<Record<SlashName, Action>> = {
  msg,
  to,
  group: groupSlash,
  members,
  accept: (chat, name) => answerSlash(chat, { answer: "accept", name }),
  decline: (chat, name) => answerSlash(chat, { answer: "decline", name }),
  block: blockSlash,
  unblock,
  compose,
  unread,
  read,
  history,
  reply,
  edit,
  delete: remove,
  react,
  expire,
  search,
  file: sendFile,
  files: listFiles,
  save: saveFile,
  notifications,
  notify,
  users,
  key,
  rekey,
  menu,
  verify,
  devices,
  archive,
  retry,
  export: exportReceipts,
  password,
  whoami,
  help: (chat) => Promise.resolve(chat.say(helpTable(chat.options.dialogue.columns))),
  logout,
  exit: () => Promise.resolve("leave" as const),
};

function targetName(word: string): string {
  const target = targetOf(word);
  if (target.kind !== "direct") throw new AppError("not_found", { text: `${word} has no key` });
  return target.name;
}

async function answer(chat: ChatContext, prompt: string): Promise<string | undefined> {
  const entered = await chat.options.dialogue.readLine(prompt, { keep: true });
  return entered.kind === "line" ? entered.text : undefined;
}

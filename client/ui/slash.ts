/** The table of slash commands: names, usage, help; finding one, and the nearest to a mistyped one. */

import { editDistance } from "../../lib/base/edit_distance.ts";
import { safe } from "./format.ts";

/** One slash command as `/help` shows it. */
export interface SlashCommand {
  readonly name: string;
  readonly usage: string;
  readonly help: string;
}

/** Every slash command, in the order of `/help`. */
export const slashCommands = [
  { name: "msg", usage: "/msg NAME TEXT", help: "send a private message (also: @NAME TEXT)" },
  { name: "to", usage: "/to NAME | #GROUP | #lobby", help: "make plain lines go there" },
  {
    name: "group",
    usage: "/group ACTION [NAME ...]",
    help: "create, list, members, add, remove, ... (also: #GROUP TEXT)",
  },
  { name: "members", usage: "/members [#GROUP]", help: "who is in the group" },
  { name: "accept", usage: "/accept [NAME]", help: "accept a stranger's request" },
  { name: "decline", usage: "/decline [NAME]", help: "decline it" },
  {
    name: "block",
    usage: "/block [NAME | @SERVER]",
    help: "accept nothing from somebody or a whole server, or who is blocked",
  },
  { name: "unblock", usage: "/unblock NAME | @SERVER", help: "end that" },
  { name: "compose", usage: "/compose [NAME]", help: "asks for receiver and text, then sends" },
  { name: "unread", usage: "/unread [NAME]", help: "show unread messages, leaving them unread" },
  {
    name: "read",
    usage: "/read [NAME]",
    help: "show the earliest unread message and mark it read",
  },
  { name: "history", usage: "/history [NAME] [COUNT]", help: "show stored messages" },
  {
    name: "reply",
    usage: "/reply [NUMBER:] TEXT",
    help: "answer the last message here, or the one with that number in /history",
  },
  { name: "edit", usage: "/edit [NUMBER:] TEXT", help: "give your last message another text" },
  { name: "delete", usage: "/delete [NUMBER]", help: "delete your last message for everybody" },
  {
    name: "react",
    usage: "/react [NUMBER:] EMOJI",
    help: "react to the last message (with -EMOJI: take it back)",
  },
  {
    name: "expire",
    usage: "/expire [NAME] [1h | off]",
    help: "let messages disappear after that time",
  },
  {
    name: "search",
    usage: "/search [@NAME | #GROUP] TEXT",
    help: "find text in stored messages, of all conversations or one",
  },
  { name: "file", usage: "/file [@NAME] PATH", help: "send a file, to NAME or where you are" },
  { name: "files", usage: "/files [NAME]", help: "list files that were sent" },
  {
    name: "save",
    usage: "/save [N] [PATH]",
    help: "save file N of the list (else the newest), in the download folder or as PATH",
  },
  { name: "notifications", usage: "/notifications", help: "show new notifications" },
  {
    name: "notify",
    usage: "/notify [NAME | here] [off | mentions | all]",
    help: "be told by the terminal (also: bell, osc9, osc777, text on, test)",
  },
  { name: "users", usage: "/users [--all]", help: "who is online, or every account" },
  { name: "key", usage: "/key [NAME]", help: "key, fingerprint and verification state" },
  { name: "rekey", usage: "/rekey [NAME]", help: "make fresh keys for a conversation" },
  { name: "verify", usage: "/verify NAME", help: "compare the safety number and confirm it" },
  {
    name: "devices",
    usage: "/devices [rename ID LABEL | revoke ID]",
    help: "your devices; call one something else, or remove one for good",
  },
  {
    name: "archive",
    usage: "/archive [on | off] [NAME]",
    help: "the encrypted archive of your history; leave a conversation out of it",
  },
  { name: "retry", usage: "/retry", help: "send failed messages again" },
  { name: "export", usage: "/export FILE [NAME]", help: "write signed receipts to a new file" },
  { name: "password", usage: "/password", help: "change the password" },
  { name: "menu", usage: "/menu", help: "the same by numbers" },
  { name: "whoami", usage: "/whoami", help: "account, device, server and profile" },
  { name: "help", usage: "/help", help: "this table" },
  {
    name: "logout",
    usage: "/logout",
    help: "leave; the password is needed next time (forgets a remembered key)",
  },
  { name: "exit", usage: "/exit", help: "leave (also: Ctrl-D)" },
] as const satisfies readonly SlashCommand[];

/** The name of a slash command. */
export type SlashName = typeof slashCommands[number]["name"];

/** What a line of input asks for. */
export type Line =
  | { readonly kind: "nothing" }
  | { readonly kind: "say"; readonly text: string }
  | { readonly kind: "private"; readonly name: string; readonly text: string }
  | { readonly kind: "group"; readonly name: string; readonly text: string }
  | { readonly kind: "command"; readonly name: SlashName; readonly rest: string }
  | { readonly kind: "unknown"; readonly typed: string; readonly nearest: string | undefined };

const isSlashName = (name: string): name is SlashName =>
  slashCommands.some((command) => command.name === name);

/**
 * Reads what was entered: plain text, `@name text`, `#group text`, `/command rest`; `//x` says `/x`. What begins with
 * something `pasted` is text and never a command; what is pasted behind a typed `@name` or `/command` belongs to that.
 */
export function readLine(line: string, { pasted = false } = {}): Line {
  if (line.trim() === "") return { kind: "nothing" };
  // Of a paste of whole lines the last line end says nothing.
  if (pasted) return { kind: "say", text: line.replace(/\n+$/, "") };
  if (line.startsWith("//")) return { kind: "say", text: line.slice(1) };
  const address = /^@(\S+)\s+(\S.*)$/su.exec(line);
  if (address?.[1] !== undefined && address[2] !== undefined) {
    return { kind: "private", name: address[1], text: address[2] };
  }
  const group = /^#(\S+)\s+(\S.*)$/su.exec(line);
  if (group?.[1] !== undefined && group[2] !== undefined) {
    return { kind: "group", name: group[1], text: group[2] };
  }
  // A name without a text is a slip; said to the conversation at hand it would reach the wrong people.
  if (/^#\S+\s*$/.test(line)) return { kind: "command", name: "to", rest: line.trim() };
  if (/^@\S+\s*$/.test(line)) return { kind: "command", name: "msg", rest: line.trim().slice(1) };
  const command = /^\/(\S*)\s*(.*)$/su.exec(line);
  if (command === null) return { kind: "say", text: line };
  const name = (command[1] ?? "").toLowerCase();
  if (isSlashName(name)) return { kind: "command", name, rest: (command[2] ?? "").trim() };
  return { kind: "unknown", typed: `/${command[1]}`, nearest: nearest(name) };
}

/** What is said of a command that there is not. */
export function unknownCommand({ typed, nearest }: Extract<Line, { kind: "unknown" }>): string {
  const meant = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return `Unknown command ${safe(typed, 40)}.${meant} /help lists all; nothing was sent.`;
}

/** The usage line of a command. */
export function usageOf(name: SlashName): string {
  return slashCommands.find((command) => command.name === name)?.usage ?? `/${name}`;
}

/** The table that `/help` prints, for a terminal of so many columns, if it is one; what does not fit beside a command wraps by words. */
export function helpTable(columns = Infinity): string {
  const beside = Math.max(...slashCommands.map((command) => command.usage.length)) + 2;
  const roomy = columns - beside >= narrowestHelp;
  const indent = roomy ? beside : 4;
  const rows = slashCommands.flatMap(({ usage, help }) => {
    const [first = "", ...more] = wrapped(help, columns - indent - 1);
    const begin = roomy ? [usage.padEnd(beside) + first] : [usage, " ".repeat(indent) + first];
    return [...begin, ...more.map((line) => " ".repeat(indent) + line)];
  });
  return [...rows, "", ...lastWords.flatMap((line) => wrapped(line, columns - 1))].join("\n");
}

const lastWords = [
  "A plain line goes to the conversation that the prompt names; //x sends /x.",
  "Keys: Tab completes, the arrows and Ctrl-R bring back earlier lines, Alt-Enter begins a new line, " +
  "Ctrl-O opens a folded paste, Ctrl-C empties the line and pressed twice leaves.",
];

/** Columns below which help stands under its command instead of beside it. */
const narrowestHelp = 30;

/** Text cut between words into lines of at most `width` characters; a longer word stands alone. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines.push(`${lines.pop()} ${word}`);
    } else lines.push(word);
  }
  return lines;
}

/** The closest command name within two edits, or one that begins alike. */
export function nearest(typed: string): string | undefined {
  const beginning = slashCommands.find(({ name }) => typed !== "" && name.startsWith(typed));
  if (beginning !== undefined) return `/${beginning.name}`;
  const ranked = slashCommands
    .map(({ name }) => ({ name, distance: editDistance(typed, name) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return ranked !== undefined && ranked.distance <= 2 ? `/${ranked.name}` : undefined;
}

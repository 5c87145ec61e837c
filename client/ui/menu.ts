/** The numbered menu, for people who prefer numbers to commands: every entry asks what it needs and runs a command. */
import type { ChatContext } from "./chat_context.ts";
import { errorText, safe } from "./format.ts";
import type { SlashName } from "./slash.ts";

/** One entry: its questions, and the command that their answers make. */
interface Entry {
  readonly title: string;
  readonly questions: readonly string[];
  readonly command: SlashName;
  /** Put before the answers. */
  readonly prefix?: string;
  /** The first answer is a name, and the command needs it as `@name`. */
  readonly addressed?: boolean;
}

const entries: readonly Entry[] = [
  { title: "List all users", questions: [], command: "users", prefix: "--all" },
  { title: "Show a user's public key", questions: ["Whose: "], command: "key" },
  { title: "Show waiting messages", questions: [], command: "unread" },
  { title: "Read the earliest waiting message", questions: [], command: "read" },
  { title: "Send a text message", questions: ["To: ", "Text: "], command: "msg" },
  { title: "Send a file", questions: ["To: ", "Path: "], command: "file", addressed: true },
  { title: "List files", questions: [], command: "files" },
  { title: "Save a file", questions: ["Number: "], command: "save" },
  { title: "List groups", questions: [], command: "group", prefix: "list" },
  { title: "Make a group", questions: ["Name: "], command: "group", prefix: "create" },
  {
    title: "Add somebody to a group",
    questions: ["Group: ", "Whom: "],
    command: "group",
    prefix: "add",
  },
  { title: "Make fresh keys with somebody", questions: ["With whom: "], command: "rekey" },
  { title: "Show new notifications", questions: [], command: "notifications" },
  { title: "Show who and where I am", questions: [], command: "whoami" },
];

/** The menu as it is shown. */
export function menuText(): string {
  const rows = entries.map(({ title }, index) => `${String(index + 1).padStart(2)}) ${title}`);
  return [...rows, " 0) Back to the chat"].join("\n");
}

/**
 * Shows the menu and runs what is chosen, again and again, until 0; `end` when the input has ended. `run` runs a command
 * as if it had been typed.
 */
export async function runMenu(
  chat: ChatContext,
  run: (name: SlashName, rest: string) => Promise<"leave" | void>,
): Promise<"leave" | void> {
  for (;;) {
    chat.say(menuText());
    const choice = await answer(chat, "Number: ");
    if (choice === undefined) return "leave";
    if (choice === "0" || choice === "") return;
    const entry = /^\d+$/.test(choice) ? entries[Number(choice) - 1] : undefined;
    if (entry === undefined) {
      chat.remark(
        `There is no ${safe(choice, 20)} in the menu: a number from 0 to ${entries.length}.`,
      );
      continue;
    }
    try {
      if (await runEntry(chat, entry, run) === "leave") return "leave";
    } catch (error) {
      chat.remark(`! ${errorText(error)}`);
    }
  }
}

async function runEntry(
  chat: ChatContext,
  { questions, command, prefix, addressed }: Entry,
  run: (name: SlashName, rest: string) => Promise<"leave" | void>,
): Promise<"leave" | void> {
  const words = prefix === undefined ? [] : [prefix];
  for (const question of questions) {
    const given = await answer(chat, question);
    if (given === undefined) return "leave";
    if (given === "") return chat.remark("Nothing was done.");
    const first = words.length === 0 && addressed === true && !/^[@#]/.test(given);
    words.push(first ? `@${given}` : given);
  }
  return await run(command, words.join(" "));
}

/** The answer to a question; undefined when the input has ended, empty when it was left. */
async function answer(chat: ChatContext, question: string): Promise<string | undefined> {
  const { dialogue } = chat.options;
  if (!dialogue.prompting) chat.remark(question.trim());
  const entered = await dialogue.readLine(question, { keep: true });
  if (entered.kind === "end") return undefined;
  return entered.kind === "line" ? entered.text.trim() : "";
}

/** What the Tab key offers: commands, their words, names, groups, paths, numbers. */
import type { Completion } from "./dialogue.ts";
import { groupActions } from "./group_words.ts";
import { completePath } from "./path_completion.ts";
import { slashCommands, type SlashName } from "./slash.ts";

/** Where the words come from; everything in it is sanitised. */
export interface Vocabulary {
  /** Names of people, without `@`. */
  readonly people: readonly string[];
  /** Names of groups, without `#`. */
  readonly groups: readonly string[];
  /** People and groups (with `#`) whose requests wait. */
  readonly requests: readonly string[];
  /** Those that are in the group of that name, or in the conversation at hand. */
  members(group: string | undefined): Promise<readonly string[]>;
  /** What `/save` takes. */
  files(): Promise<readonly string[]>;
  /** What `/reply` and its like take, the latest first. */
  messages(own: boolean): Promise<readonly string[]>;
  devices(): Promise<readonly string[]>;
  blocked(): Promise<readonly string[]>;
  /** Replaces `~`. */
  expand(path: string): string;
}

/** One place of a command, and what can stand there. */
type Slot =
  | "person"
  | "conversation"
  | "group"
  | "members"
  | "outsiders"
  | "request"
  | "blocked"
  | "device"
  | "file"
  | "own message"
  | "message"
  | readonly string[];

/** What each command takes, place by place; the last place of those in `going` goes on. */
const slots: Readonly<Partial<Record<SlashName, readonly Slot[]>>> = {
  msg: ["person"],
  to: ["conversation"],
  members: ["group"],
  accept: ["request"],
  decline: ["request"],
  block: ["person"],
  unblock: ["blocked"],
  compose: ["person"],
  unread: ["conversation"],
  read: ["conversation"],
  history: ["conversation"],
  reply: ["message"],
  react: ["message"],
  edit: ["own message"],
  delete: ["own message"],
  expire: ["conversation", ["1h", "1d", "7d", "30d", "off"]],
  search: ["conversation"],
  file: ["conversation"],
  files: ["conversation"],
  save: ["file"],
  notify: ["conversation", ["off", "mentions", "all", "usual", "on"]],
  users: [["--all"]],
  key: ["person"],
  rekey: ["conversation"],
  verify: ["person"],
  devices: [["rename", "revoke"], "device"],
  archive: [["on", "off"], "conversation"],
};

/** Words that may stand at the first place beside what `slots` says. */
const firstWords: Readonly<Partial<Record<SlashName, readonly string[]>>> = {
  notify: ["here", "off", "mentions", "all", "bell", "osc9", "osc777", "text", "test"],
};

/** The places of `/group ACTION`; the last one goes on. */
const groupSlots: Readonly<Record<keyof typeof groupActions, readonly Slot[]>> = {
  create: [[], "person"],
  list: [],
  members: ["group"],
  add: ["group", "outsiders"],
  remove: ["group", "members"],
  rename: ["group", []],
  promote: ["group", "members"],
  demote: ["group", "members"],
  leave: ["group"],
  dissolve: ["group"],
  accept: ["request"],
  decline: ["request"],
};

/** Completes what stands before the cursor. */
export async function complete(
  before: string,
  vocabulary: Vocabulary,
): Promise<Completion | undefined> {
  const path = await completePath(before, (typed) => vocabulary.expand(typed));
  if (path !== undefined) return path;
  const command = /^\/(\S*)$/.exec(before);
  if (command !== null) return fitting(before, slashCommands.map(({ name }) => `/${name}`));
  const word = /\S*$/.exec(before)?.[0] ?? "";
  const taken = await inCommand(before.slice(0, before.length - word.length), vocabulary);
  if (taken !== undefined) return fitting(word, taken);
  const first = before.length === word.length;
  if (word.startsWith("@")) {
    const people = new Set([...await vocabulary.members(undefined), ...vocabulary.people]);
    return fitting(word, [...people].map((name) => `@${name}`));
  }
  if (word.startsWith("#")) return fitting(word, vocabulary.groups.map((name) => `#${name}`));
  if (word === "" || first) return undefined;
  return fitting(word, [...await vocabulary.members(undefined), ...vocabulary.people]);
}

/** The words that can follow `typed` (whole words of a command, with the space behind them); undefined outside commands. */
async function inCommand(
  typed: string,
  vocabulary: Vocabulary,
): Promise<readonly string[] | undefined> {
  const [name = "", ...words] = typed.trim().split(/\s+/);
  const command = slashCommands.find((one) => `/${one.name}` === name.toLowerCase())?.name;
  if (command === undefined) return undefined;
  if (command === "group") return await inGroup(words, vocabulary);
  const slot = slots[command]?.[words.length];
  if (slot === undefined) return undefined;
  const found = await wordsOf(slot, { vocabulary, group: undefined });
  return words.length === 0 ? [...firstWords[command] ?? [], ...found] : found;
}

async function inGroup(
  [action, ...words]: readonly string[],
  vocabulary: Vocabulary,
): Promise<readonly string[]> {
  if (action === undefined) return Object.keys(groupActions);
  const places = Object.entries(groupSlots).find(([name]) => name === action)?.[1] ?? [];
  const slot = places[Math.min(words.length, places.length - 1)];
  return slot === undefined ? [] : await wordsOf(slot, { vocabulary, group: words[0] });
}

async function wordsOf(
  slot: Slot,
  { vocabulary, group }: { readonly vocabulary: Vocabulary; readonly group: string | undefined },
): Promise<readonly string[]> {
  const { people, groups, requests } = vocabulary;
  if (typeof slot !== "string") return slot;
  const hash = groups.map((name) => `#${name}`);
  switch (slot) {
    case "person":
      return [...people, ...people.map((name) => `@${name}`)];
    case "conversation":
      return [...people, ...people.map((name) => `@${name}`), ...hash, "#lobby"];
    case "group":
      return [...groups, ...hash];
    case "members":
      return await vocabulary.members(group);
    case "outsiders": {
      const inside = await vocabulary.members(group);
      return people.filter((name) => !inside.includes(name));
    }
    case "request":
      return requests;
    case "blocked":
      return await vocabulary.blocked();
    case "device":
      return await vocabulary.devices();
    case "file":
      return await vocabulary.files();
    case "message":
    case "own message":
      return (await vocabulary.messages(slot === "own message")).map((number) => `${number}:`);
  }
}

/** Those that begin like `word`, whatever their case, each once; an address only for whoever has typed its sign. */
function fitting(word: string, words: readonly string[]): Completion {
  const typed = word.normalize().toLowerCase();
  const begun = words.filter((one) => one.normalize().toLowerCase().startsWith(typed));
  const plain = typed === "" ? begun.filter((one) => !one.startsWith("@")) : begun;
  return { replaces: word.length, words: [...new Set(plain)].sort().map((one) => `${one} `) };
}

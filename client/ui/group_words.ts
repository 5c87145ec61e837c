/** The words of `group`: the same for the one-shot command and for `/group`. */
import { AppError } from "../../lib/base/errors.ts";
import type { Engine, Target } from "../engine/api.ts";
import type { GroupInfo, GroupTarget } from "../engine/api_groups.ts";
import { counted, safe } from "./format.ts";

/** Everything that can be done with a group, and what words it takes. */
export const groupActions = {
  create: "NAME [USER...]",
  list: "",
  members: "NAME",
  add: "NAME USER...",
  remove: "NAME USER...",
  rename: "NAME NEW",
  promote: "NAME USER [--owner]",
  demote: "NAME USER",
  leave: "NAME",
  dissolve: "NAME",
  accept: "NAME",
  decline: "NAME",
} as const;

/** The name of such an action. */
export type GroupAction = keyof typeof groupActions;

/** Whether the word names one. */
export function isGroupAction(word: string): word is GroupAction {
  return Object.hasOwn(groupActions, word);
}

/** What an action has to say: sentences, and the group or groups as they are now. */
export interface GroupOutcome {
  readonly said: readonly string[];
  readonly groups: readonly GroupInfo[];
  /** Whether the groups themselves were asked for, or their members. */
  readonly asked: "groups" | "members" | "nothing";
}

/** A group by its name, with or without `#`. */
export function groupTarget(word: string): GroupTarget {
  return { kind: "group", name: word.startsWith("#") ? word.slice(1) : word };
}

/** The usage of an action. */
export function groupUsage(action: GroupAction): string {
  return `group ${action} ${groupActions[action]}`.trim();
}

/** Words that do not make an action. */
export class GroupUsageError extends Error {}

/** Does what the words say. Throws `GroupUsageError` when they are too few or too many. */
export async function actOnGroup(
  engine: Engine,
  { action, words, owner = false }: {
    readonly action: GroupAction;
    readonly words: readonly string[];
    readonly owner?: boolean;
  },
): Promise<GroupOutcome> {
  const [name = "", ...rest] = words;
  check(action, words);
  if (action === "list") {
    return { said: [], groups: await engine.groups.list(), asked: "groups" };
  }
  if (action === "create") {
    const made = await engine.groups.create(name, rest.map(plainName));
    return done(
      made,
      `#${safe(made.name, 64)} is made with ${counted(made.members.length, "member")}.`,
    );
  }
  if (action === "accept" || action === "decline") return await answer(engine, { action, name });
  const target = (await engine.groups.info(groupTarget(name))).target;
  if (action === "members") {
    return { said: [], groups: [await engine.groups.info(target)], asked: "members" };
  }
  const said = await change(engine, { action, target, rest: rest.map(plainName), owner });
  return done(await engine.groups.info(target), said);
}

function done(group: GroupInfo, said: string): GroupOutcome {
  return { said: [said], groups: [group], asked: "nothing" };
}

const plainName = (word: string) => word.startsWith("@") ? word.slice(1) : word;

/** How many words each action takes. */
const least: Partial<Record<GroupAction, number>> = {
  list: 0,
  add: 2,
  remove: 2,
  promote: 2,
  demote: 2,
  rename: 2,
};
const most: Partial<Record<GroupAction, number>> = {
  create: Infinity,
  add: Infinity,
  remove: Infinity,
};

function check(action: GroupAction, words: readonly string[]): void {
  const few = least[action] ?? 1;
  if (words.length >= few && words.length <= (most[action] ?? few)) return;
  throw new GroupUsageError(`Usage: ${groupUsage(action)}`);
}

type Changing = Exclude<GroupAction, "create" | "list" | "members" | "accept" | "decline">;

async function change(
  { groups }: Engine,
  { action, target, rest, owner }: {
    readonly action: Changing;
    readonly target: GroupTarget;
    readonly rest: readonly string[];
    readonly owner: boolean;
  },
): Promise<string> {
  const [first = ""] = rest;
  const shown = `#${safe(target.name, 64)}`;
  switch (action) {
    case "add":
      return whom("Added to", shown, await groups.add(target, rest));
    case "remove":
      return whom("Removed from", shown, await groups.remove(target, rest));
    case "rename":
      await groups.rename(target, first);
      return `${shown} is #${safe(first.replace(/^#/, ""), 64)} now.`;
    case "promote":
      await groups.setRole(target, first, owner ? "owner" : "admin");
      return `${safe(first, 64)} is ${owner ? "an owner" : "an admin"} of ${shown}.`;
    case "demote":
      await groups.setRole(target, first, "member");
      return `${safe(first, 64)} is an ordinary member of ${shown}.`;
    case "leave": {
      const before = await groups.info(target);
      if (["removed", "dissolved", "left"].includes(before.standing)) {
        return `You are not in it, nothing was changed: ${groupLine(before)}`;
      }
      await groups.leave(target);
      return `You have left ${shown}.`;
    }
    case "dissolve":
      await groups.dissolve(target);
      return `${shown} is dissolved.`;
  }
}

function whom(what: string, group: string, names: readonly string[]): string {
  if (names.length === 0) return `${group} is so already; nothing was changed.`;
  return `${what} ${group}: ${names.map((name) => safe(name, 64)).join(", ")}.`;
}

async function answer(
  engine: Engine,
  { action, name }: { readonly action: "accept" | "decline"; readonly name: string },
): Promise<GroupOutcome> {
  const target = await requestTarget(engine, name);
  await engine.requests.answer(target, action);
  const shown = `${target.kind === "group" ? "#" : ""}${
    safe("name" in target ? target.name : "", 64)
  }`;
  return {
    said: [`${shown} is ${action === "accept" ? "accepted" : "declined"}.`],
    groups: [],
    asked: "nothing",
  };
}

/** A request by its name: a group's with or without `#`, or a person's. */
export async function requestTarget(engine: Engine, name: string): Promise<Target> {
  const plain = plainName(name);
  const waiting = (await engine.conversations()).filter(({ request }) => request === true);
  if (name.startsWith("#")) return (await engine.groups.info(groupTarget(name))).target;
  const same = waiting.filter(({ target }) =>
    target.kind !== "lobby" && target.name.toLowerCase() === plain.toLowerCase()
  );
  const [first] = same;
  if (first !== undefined && same.length === 1) return first.target;
  if (same.length === 0) return { kind: "direct", name: plain };
  throw new AppError("not_found", { text: `say which: #${plain} or @${plain}` });
}

const withArticle = { owner: "an owner", admin: "an admin", member: "a member" } as const;

/** One line of `group list`. */
export function groupLine(group: GroupInfo): string {
  const by = safe(group.by ?? "somebody", 64);
  const name = `#${safe(group.name, 64)}`;
  switch (group.standing) {
    case "active": {
      const unread = group.unread === 0 ? "" : `  ${group.unread} unread`;
      return `${name}  ${counted(group.members.length, "member")}  you are ${
        group.role === undefined ? "in it" : withArticle[group.role]
      }${unread}`;
    }
    case "request":
      return `${name}  invitation by ${by}: accept or decline it`;
    case "removed":
      return group.by === ""
        ? `${name}  you are not in it any more`
        : `${name}  you were removed by ${by}`;
    case "dissolved":
      return `${name}  dissolved by ${by}`;
    case "leaving":
    case "left":
      return `${name}  left`;
  }
}

/** The lines of `group members`. */
export function memberLines({ members }: GroupInfo): string[] {
  const order = { owner: 0, admin: 1, member: 2 } as const;
  return [...members].sort((a, b) => order[a.role] - order[b.role] || (a.name < b.name ? -1 : 1))
    .map(({ name, role, self }) => `${safe(name, 64)}  ${role}${self ? "  (you)" : ""}`);
}

/** How conversations are written: `#lobby`, `#` and a group's name, or an account's name with or without `@`. */
import type { Target } from "../engine/api.ts";

/** The conversation that `word` names. */
export function targetOf(word: string): Target {
  if (word.toLowerCase() === "#lobby") return { kind: "lobby" };
  if (word.startsWith("#")) return { kind: "group", name: word.slice(1) };
  return { kind: "direct", name: word.startsWith("@") ? word.slice(1) : word };
}

/** The conversation as somebody would write it. From others: not sanitised. */
export function addressOf(target: Target): string {
  if (target.kind === "lobby") return "#lobby";
  return target.kind === "group" ? `#${target.name}` : `@${target.name}`;
}

/** Whether nobody has told yet what the group is called: then its name is made of its id. */
export function isUnnamed(target: Target): boolean {
  return target.kind === "group" && target.id !== undefined &&
    target.name === `group-${target.id.slice(0, 4)}`;
}

/** Whether both are the same conversation; names compare without case. */
export function sameTarget(a: Target, b: Target): boolean {
  if (a.kind === "lobby" || b.kind === "lobby") return a.kind === b.kind;
  if (a.kind !== b.kind) return false;
  if (a.kind === "group" && b.kind === "group" && a.id !== undefined && b.id !== undefined) {
    return a.id === b.id;
  }
  return a.name.toLowerCase() === b.name.toLowerCase();
}

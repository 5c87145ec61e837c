/** How conversations are written: `#lobby`, or an account's name with or without `@`. */
import type { Target } from "../engine/api.ts";

/** The conversation that `word` names. */
export function targetOf(word: string): Target {
  if (word === "#lobby") return { kind: "lobby" };
  return { kind: "direct", name: word.startsWith("@") ? word.slice(1) : word };
}

/** Whether both are the same conversation; names compare without case. */
export function sameTarget(a: Target, b: Target): boolean {
  if (a.kind === "lobby" || b.kind === "lobby") return a.kind === b.kind;
  return a.name.toLowerCase() === b.name.toLowerCase();
}

/** What was entered, before it is done: whether it can be, and whether it is meant. */
import { textLimits } from "../../lib/base/limits.ts";
import type { Target } from "../engine/api.ts";
import { type Line, readLine, type SlashName } from "./slash.ts";
import { targetOf } from "./target.ts";

/** One pasted line that looks like a command is sent as text only when Enter is pressed once more. */
export class Pastes {
  #asked: string | undefined;

  /** Why the pasted text is not sent yet; undefined when it is. */
  doubt(text: string): string | undefined {
    const asked = this.#asked === text;
    this.#asked = undefined;
    const meant = readLine(text).kind;
    if (asked || text.includes("\n") || meant === "say" || meant === "nothing") return undefined;
    this.#asked = text;
    return "That was pasted: Enter again sends it as text. To run it, type its beginning.";
  }
}

/** Why the text is more than one message takes, where plain lines go to `target`; undefined when it is not. */
export function tooLong(line: Line, target: Target): string | undefined {
  if (line.kind !== "say" && line.kind !== "private" && line.kind !== "group") return undefined;
  const toLobby = line.kind === "say" && target.kind === "lobby";
  const most = toLobby ? textLimits.lobbyTextBytes : textLimits.textBytes;
  const bytes = new TextEncoder().encode(line.text).length;
  if (bytes <= most) return undefined;
  return `Not sent: that has ${bytes} bytes, and a message here takes ${most}. It is in the input ` +
    "line as it was: Ctrl-O shows a folded part, Ctrl-C empties the line, /file sends a file.";
}

/** Commands that say something. */
const saying: ReadonlySet<SlashName> = new Set(["msg", "reply", "edit"]);

/** Whether the line says something: what could not be said is given back to be changed. */
export function saysSomething(line: Line): boolean {
  return line.kind !== "command" || saying.has(line.name);
}

/** Commands whose first word names where their text goes. */
const addressed: ReadonlySet<SlashName> = new Set(["msg", "compose", "file"]);

/** The conversation that a line says something to, as far as can be told; where plain lines go when that is not clear. */
export function whither(line: Line, target: Target): Target {
  if (line.kind === "private") return { kind: "direct", name: line.name };
  if (line.kind === "group") return targetOf(`#${line.name}`);
  if (line.kind !== "command" || !addressed.has(line.name)) return target;
  const [first = ""] = line.rest.split(/\s/);
  const named = first !== "" && (line.name !== "file" || /^[@#]/.test(first));
  return named ? targetOf(first) : target;
}

/**
 * Random keys at a real terminal while messages arrive: after every burst the screen must show what the editor's model
 * says, and nothing else below the messages; every message stands there once, in order.
 */
import {
  cutBy,
  type Draft,
  draftText,
  edits,
  emptyDraft,
  insert,
  paste,
} from "../../client/ui/editor.ts";
import { columnsOf, cropped, type Layout, layOut } from "../../client/ui/layout.ts";
import type { Running } from "../kit/program.ts";
import type { Terminal } from "./terminal.ts";

/** Keys of the model by their names in tmux. */
const keys: Readonly<Record<string, string>> = {
  "Left": "left",
  "Right": "right",
  "Home": "home",
  "End": "end",
  "BSpace": "backspace",
  "DC": "delete",
  "C-a": "ctrl-a",
  "C-e": "ctrl-e",
  "C-b": "ctrl-b",
  "C-f": "ctrl-f",
  "C-w": "ctrl-w",
  "C-u": "ctrl-u",
  "C-k": "ctrl-k",
  "C-t": "ctrl-t",
  "C-o": "ctrl-o",
  "M-b": "word-left",
  "M-f": "word-right",
  "M-d": "word-delete",
  "M-Enter": "newline",
};

/** Characters of one column, some of two code points. */
const narrow = [..."abcdefghij      éüß", "e\u0301", "o\u0308"];
/** With characters of two columns on whose width this terminal and the client agree; on others only a person can. */
const wide = [...narrow, ..."你好한글👍"];

/** Numbers from 0 to below `below`, the same for the same seed (mulberry32). */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Who types, who sends, and for how long. */
export interface RandomOptions {
  /** A chat of ann's in the lobby, with nothing typed. */
  readonly terminal: Terminal;
  /** bob, over pipes. */
  readonly other: Running;
  readonly seed: number;
  readonly milliseconds: number;
}

/** Types, pastes, deletes, moves, resizes, switches and sends until the time is over; throws with the seed. */
export async function typeAtRandom(options: RandomOptions): Promise<{ bursts: number }> {
  const hand = new Hand(options);
  const begun = performance.now();
  let bursts = 0;
  try {
    await hand.fill();
    for (;; bursts++) {
      const share = (performance.now() - begun) / options.milliseconds;
      if (share >= 1) break;
      // tmux 3.3 itself loses parts of lines with wide characters when it wraps them anew: those come without resizes.
      hand.wide ||= share > 0.7;
      await hand.burst();
      await hand.look();
      if (bursts % 8 === 7) await hand.lookBack();
    }
    await hand.lookBack();
  } catch (error) {
    const last = hand.done.slice(-40).join("\n  ");
    throw new Error(
      `seed ${options.seed}, burst ${bursts}; the last of what was done:\n  ${last}`,
      {
        cause: error,
      },
    );
  }
  return { bursts };
}

const stamp = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /;

/** What the client draws between messages: a day, how many are unread. */
const rule = /^── .* ──$/;

/** Without spaces: where a line wraps before a wide character, the terminal fills up with one. */
const bare = (text: string) => text.replaceAll(/\s/g, "");

/** Between whom something is said: the order holds within each. */
const ways = ["annBob", "annLobby", "bobAnn", "bobLobby"] as const;

const nothingSaid = () => ({
  annBob: [] as string[],
  annLobby: [] as string[],
  bobAnn: [] as string[],
  bobLobby: [] as string[],
});

/** Which way a line went, of its text without spaces. */
function wayOf(text: string): typeof ways[number] | undefined {
  if (text.startsWith("ann:")) return text.startsWith("ann:@bob") ? "annBob" : "annLobby";
  if (text.startsWith("bob:")) return text.startsWith("bob:@ann") ? "bobAnn" : "bobLobby";
  return undefined;
}

class Hand {
  readonly #terminal: Terminal;
  readonly #other: Running;
  readonly #next: (below: number) => number;
  #draft: Draft = emptyDraft;
  #where: "#lobby" | "@bob" = "#lobby";
  #size = { columns: 80, rows: 24 };
  /** What was said, as it is shown: by whom, and in private or not. */
  readonly #said = nothingSaid();
  /** How much of it had been looked at before. */
  readonly #seen = { annBob: 0, annLobby: 0, bobAnn: 0, bobLobby: 0 };
  readonly done: string[] = [];
  /** Whether wide characters are typed and said; the size stays as it is then. */
  wide = false;

  constructor({ terminal, other, seed }: RandomOptions) {
    this.#terminal = terminal;
    this.#other = other;
    this.#next = random(seed);
  }

  /**
   * Fills the screen: where much of it is empty, tmux 3.3 loses the cursor when a window becomes narrower, and no program can
   * know.
   */
  async fill(): Promise<void> {
    while (this.#said.bobAnn.length + this.#said.bobLobby.length < 45) await this.#arrive();
    await this.lookBack();
  }

  /** A few things in a row, without looking at the screen between them. */
  async burst(): Promise<void> {
    for (let count = 1 + this.#next(8); count > 0; count--) {
      const choice = this.#next(100);
      if (choice < 30) await this.#type();
      else if (choice < 36) await this.#paste();
      else if (choice < 62) await this.#press();
      else if (choice < 70) await this.#enter();
      else if (choice < 88) await this.#arrive();
      else if (choice < 94) await (this.wide ? this.#type() : this.#resize());
      else if (choice < 98) await this.#switch();
      else await this.#empty();
    }
  }

  /** The bottom of the screen is what the model says, and nothing of it stands anywhere else. */
  async look(): Promise<void> {
    const input = this.#input();
    const expected = input.rows.map((row) => row.trimEnd());
    let problem = "";
    try {
      await this.#terminal.waitFor(async (shown) => {
        const cursor = await this.#terminal.cursor();
        const status = shown.findLastIndex((row) => row !== "");
        const from = status - expected.length;
        const actual = shown.slice(Math.max(0, from), status);
        problem = "";
        if (!/online/.test(shown[status] ?? "")) problem = "the last row is not the status";
        else if (actual.join("\n") !== expected.join("\n")) problem = "another input line";
        else if (cursor.row !== from + input.cursorRow) problem = `cursor in row ${cursor.row}`;
        else if (cursor.column !== input.cursorColumn) problem = `cursor at ${cursor.column}`;
        return problem === "" || undefined;
      }, "agree with the model");
    } catch (error) {
      const model = [...expected, `cursor ${input.cursorRow}, ${input.cursorColumn}`].join("\n  ");
      throw new Error(`${problem}; the model says:\n  ${model}`, { cause: error });
    }
  }

  /** What the model says of the rows above the status. */
  #input(): Layout {
    const { rows, columns } = this.#size;
    const { graphemes, cursor } = this.#draft;
    const height = Math.max(1, Math.min(Math.ceil(rows / 2), rows - 2));
    return cropped(layOut(`${this.#where}> `, graphemes, { cursor, columns }), height);
  }

  /** All that was said stands there once and in order, and nothing that was only typed. */
  async lookBack(): Promise<void> {
    let problem = "";
    try {
      await this.#terminal.waitFor(async () => {
        problem = this.#complaint(heardIn(await this.#terminal.scrollback(), this.#input()));
        return problem === "" || undefined;
      }, "show all that was said");
    } catch (error) {
      throw new Error(problem, { cause: error });
    }
    for (const way of ways) this.#seen[way] = this.#said[way].length;
  }

  /** What is not as it was said; empty when all is. */
  #complaint(found: ReturnType<typeof heardIn>): string {
    if (found.stale.length > 0) return `rows that nobody wrote: ${found.stale.join(" | ")}`;
    for (const way of ways) {
      const all = this.#said[way];
      const heard = found[way];
      const first = all.length - heard.length;
      const other = heard.findIndex((line, index) => line !== all[first + index]);
      if (other >= 0) return `${way}: ${heard[other]} instead of ${all[first + other]}`;
      if (first > this.#seen[way]) return `${way}: ${first - this.#seen[way]} lines are missing`;
    }
    return "";
  }

  #text(length: number): string {
    const alphabet = this.wide ? wide : narrow;
    return Array.from({ length }, () => alphabet[this.#next(alphabet.length)]).join("");
  }

  async #type(): Promise<void> {
    const text = this.#text(1 + this.#next(30));
    this.done.push(`type ${JSON.stringify(text)}`);
    await this.#terminal.type(text);
    this.#draft = insert(this.#draft, text);
  }

  async #paste(): Promise<void> {
    const lines = this.#next(6) === 0 ? 12 : 1 + this.#next(3);
    const text = Array.from({ length: lines }, () => `p${this.#text(this.#next(20))}`).join("\n");
    this.done.push(`paste ${JSON.stringify(text)}`);
    await this.#terminal.paste(text);
    this.#draft = paste(this.#draft, text);
  }

  async #press(): Promise<void> {
    const names = Object.keys(keys);
    const key = names[this.#next(names.length)] ?? "Left";
    const times = 1 + this.#next(5);
    this.done.push(`press ${key} ${times}`);
    await this.#terminal.press(...Array<string>(times).fill(key));
    const name = keys[key] ?? "";
    for (let time = 0; time < times; time++) {
      this.#draft = cutBy(name, this.#draft)?.draft ?? edits[name]?.(this.#draft) ?? this.#draft;
    }
  }

  async #enter(): Promise<void> {
    const text = draftText(this.#draft);
    this.done.push(`enter ${JSON.stringify(text)} to ${this.#where}`);
    await this.#terminal.press("Enter");
    this.#draft = emptyDraft;
    if (text.trim() === "") return;
    const way = this.#where === "@bob" ? "annBob" : "annLobby";
    this.#said[way].push(bare(`ann: ${way === "annBob" ? "@bob " : ""}${text}`));
  }

  async #arrive(): Promise<void> {
    const count = 1 + this.#next(5);
    for (let at = 0; at < count; at++) {
      const way = this.#next(2) === 0 ? "bobAnn" : "bobLobby";
      const text = `number ${this.#said[way].length + 1} ${this.#text(this.#next(90))}.`;
      const to = way === "bobAnn" ? "@ann " : "";
      this.done.push(`bob: ${to}${text}`);
      await this.#other.type(`${to}${text}`);
      this.#said[way].push(bare(`bob: ${to}${text}`));
    }
  }

  /** To a size in which what stands at the bottom has room: what a terminal pushes out of reach nobody can erase. */
  async #resize(): Promise<void> {
    const size = { columns: 24 + this.#next(90), rows: 10 + this.#next(30) };
    const wrapped = (row: string) => Math.max(1, Math.ceil(columnsOf(row) / size.columns));
    const needed = this.#input().rows.reduce((sum, row) => sum + wrapped(row), 0) +
      wrapped("x".repeat(60));
    if (needed > size.rows - 1) return;
    // What was painted for one width and arrives at another no program can set right: where that matters all that is on
    // its way is waited for.
    const wraps = this.#input().rows.some((row) => columnsOf(row) > size.columns);
    await (wraps ? this.lookBack() : this.look());
    this.done.push(`resize ${size.columns} ${size.rows}`);
    await this.#terminal.resize(size);
    this.#size = size;
  }

  async #switch(): Promise<void> {
    await this.#empty();
    const to = this.#where === "@bob" ? "#lobby" : "@bob";
    this.done.push(`turn to ${to}`);
    await this.#terminal.enter(`/to ${to}`);
    this.#where = to;
  }

  async #empty(): Promise<void> {
    this.done.push("empty");
    await this.#terminal.press("C-a", "C-k");
    this.#draft = emptyDraft;
  }
}

/** What was said according to scrollback and screen, and rows that are neither said nor at the bottom. */
function heardIn(rows: readonly string[], input: Layout) {
  const found = { ...nothingSaid(), stale: [] as string[] };
  // Joined rows: those of the input are not, each was ended by the client.
  const bottom = rows.findLastIndex((row) => row !== "") - input.rows.length;
  const begin = rows.findIndex((row) => stamp.test(row));
  let message: string[] | undefined;
  const close = () => {
    const text = bare((message ?? []).join(""));
    const way = wayOf(text);
    if (way !== undefined) found[way].push(text);
    message = undefined;
  };
  for (const row of begin < 0 ? [] : rows.slice(begin, bottom)) {
    if (stamp.test(row)) {
      close();
      message = [row.replace(stamp, "")];
    } else if (rule.test(row)) close();
    else if (message !== undefined && row.startsWith("    ")) message.push(row);
    else found.stale.push(row);
  }
  close();
  return found;
}

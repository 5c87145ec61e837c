/**
 * Random keys at a real terminal while messages arrive: after every burst the screen must show what the editor's model
 * says, and nothing else below the messages; every message stands there once, in order.
 */
import { columnsOf, type Layout } from "../../client/ui/layout.ts";
import type { Running } from "../kit/program.ts";
import { keys, type Size, TypedLine } from "./random_draft.ts";
import type { Terminal } from "./terminal.ts";

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
  /** The sizes about which the terminal's changes, one after the other; it has the first one now. */
  readonly sizes: readonly Size[];
}

/** Types, pastes, deletes, moves, resizes, switches and sends until the time is over; throws with the seed. */
export async function typeAtRandom(options: RandomOptions): Promise<{ bursts: number }> {
  const hand = new Hand(options);
  let bursts = 0;
  try {
    await hand.fill();
    const begun = performance.now();
    for (;; bursts++) {
      const share = (performance.now() - begun) / options.milliseconds;
      if (share >= 1) break;
      hand.around = options.sizes[Math.floor(share * options.sizes.length)] ?? hand.around;
      // tmux 3.3 itself loses parts of lines with wide characters when it wraps them anew: those come without resizes.
      hand.wide ||= share > 0.85;
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

/** What stands between messages: a day, how many are unread, what Tab offers, and what a shell says of a stopped job. */
const between = [
  /^── .* ──$/,
  /^\/[a-z]+( +\/[a-z]+)*$/,
  /^\[1\] \+ (Stopped|Suspended) /,
  /^\$ fg$/,
  /^\.\/sealpost client /,
];

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
  readonly #line = new TypedLine();
  #where: "#lobby" | "@bob" = "#lobby";
  #size: Size;
  /** What was said, as it is shown: by whom, and in private or not. */
  readonly #said = nothingSaid();
  /** How much of it had been looked at before. */
  readonly #seen = { annBob: 0, annLobby: 0, bobAnn: 0, bobLobby: 0 };
  /** Inputs since the bottom was looked at last: any of them may be the one that a resize meets. */
  #since: Layout[] = [];
  /** Whether the arrow keys went to another row since then. */
  #vertical = false;
  readonly done: string[] = [];
  /** The size about which the window's changes. */
  around: Size;
  /** Whether wide characters are typed and said; the size stays as it is then. */
  wide = false;

  constructor({ terminal, other, seed, sizes }: RandomOptions) {
    this.#terminal = terminal;
    this.#other = other;
    this.#next = random(seed);
    this.#size = sizes[0] ?? { columns: 80, rows: 24 };
    this.around = this.#size;
  }

  /**
   * Fills the screen: where much of it is empty, tmux 3.3 loses the cursor when a window becomes narrower, and no program can
   * know.
   */
  async fill(): Promise<void> {
    while (this.#said.bobAnn.length + this.#said.bobLobby.length < 70) await this.#arrive();
    await this.lookBack();
  }

  /** A few things in a row, without looking at the screen between them. */
  async burst(): Promise<void> {
    for (let count = 1 + this.#next(8); count > 0; count--) {
      const choice = this.#next(100);
      if (choice < 28) await this.#type();
      else if (choice < 34) await this.#paste();
      else if (choice < 58) await this.#press();
      else if (choice < 66) await this.#enter();
      else if (choice < 84) await this.#arrive();
      else if (choice < 91) await (this.wide ? this.#type() : this.#resize());
      else if (choice < 93) await this.#search();
      else if (choice < 94) await this.#complete();
      else if (choice < 95) await this.#stop();
      else if (choice < 98) await this.#switch();
      else await this.#empty();
      this.#since.push(this.#input());
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
    this.#since = [input];
    this.#vertical = false;
  }

  get #prompt(): string {
    return `${this.#where}> `;
  }

  /** What the model says of the rows above the status. */
  #input(): Layout {
    return this.#line.rows(this.#size, this.#prompt);
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
    this.#line.type(text);
  }

  async #paste(): Promise<void> {
    const lines = this.#next(6) === 0 ? 12 : 1 + this.#next(3);
    const text = Array.from({ length: lines }, () => `p${this.#text(this.#next(20))}`).join("\n");
    this.done.push(`paste ${JSON.stringify(text)}`);
    await this.#terminal.paste(text);
    this.#line.paste(text);
  }

  async #press(): Promise<void> {
    const names = Object.keys(keys);
    const key = names[this.#next(names.length)] ?? "Left";
    const times = 1 + this.#next(5);
    this.done.push(`press ${key} ${times}`);
    await this.#terminal.press(...Array<string>(times).fill(key));
    this.#vertical ||= ["Up", "Down", "C-p", "C-n"].includes(key);
    for (let time = 0; time < times; time++) {
      this.#line.press(keys[key] ?? "", this.#size, this.#prompt);
    }
    await this.#noCommand();
  }

  /** Ctrl-R and what is looked for; Enter takes the line that it found, Ctrl-G gives it up. */
  async #search(): Promise<void> {
    const query = this.#text(1 + this.#next(3));
    const older = this.#next(3);
    const givenUp = this.#next(3) === 0;
    this.done.push(`search ${JSON.stringify(query)} ${older} ${givenUp}`);
    await this.#terminal.press("C-r");
    await this.#terminal.type(query);
    await this.#terminal.press(...Array<string>(older).fill("C-r"), givenUp ? "C-g" : "Enter");
    this.#line.search(query, { older, givenUp });
    await this.#noCommand();
  }

  /** A command entered before is there again: it is not to be entered half changed. */
  async #noCommand(): Promise<void> {
    if (this.#line.text.startsWith("/")) await this.#empty();
  }

  /** Tab where there is one completion, and where there are several, which it lists. */
  async #complete(): Promise<void> {
    await this.#empty();
    await this.#terminal.type("/u");
    await this.#terminal.press("Tab");
    this.#line.type("/u");
    await this.look();
    await this.#terminal.type("nr");
    await this.#terminal.press("Tab");
    this.#line.type("nread ");
    this.done.push("complete /u and /unr");
    await this.look();
    await this.#empty();
  }

  /** Ctrl-Z, perhaps another size meanwhile, and `fg`. */
  async #stop(): Promise<void> {
    this.done.push("stop");
    await this.#terminal.press("C-z");
    const idle = () =>
      this.#terminal.waitFor(
        (rows) => rows.findLast((row) => row !== "") === "$" || undefined,
        "show the shell's prompt",
      );
    await idle();
    if (!this.wide && this.#next(2) === 0) {
      await this.#resizeTo({ columns: 60 + this.#next(60), rows: 16 + this.#next(24) });
    }
    await idle();
    await this.#terminal.enter("fg");
    await this.look();
  }

  async #enter(): Promise<void> {
    const { text } = this.#line;
    this.done.push(`enter ${JSON.stringify(text)} to ${this.#where}`);
    await this.#terminal.press("Enter");
    this.#line.enter();
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

  /**
   * To another size while keys and messages are on their way, unless they could be more than has room there: what a
   * terminal pushes out of reach nobody can erase.
   */
  async #resize(): Promise<void> {
    const columns = Math.max(24, Math.floor(this.around.columns * (0.5 + this.#next(100) / 100)));
    const size = { columns, rows: 10 + this.#next(30) };
    if (this.#needed(size, this.#since) > size.rows - 1) await this.look();
    if (this.#needed(size, [this.#input()]) > size.rows - 1) return;
    const unseen = ways.flatMap((way) => this.#said[way].slice(this.#seen[way]));
    const messages = unseen.reduce(
      (sum, text) => sum + 1 + Math.ceil((text.length * 2) / columns),
      0,
    );
    if (this.#needed(size, this.#since) + messages > size.rows - 1) await this.lookBack();
    // Which row is the one above depends on the width at which the client comes to the key.
    if (this.#vertical) await this.look();
    await this.#resizeTo(size);
  }

  async #resizeTo(size: Size): Promise<void> {
    this.done.push(`resize ${size.columns} ${size.rows}`);
    await this.#terminal.resize(size);
    this.#size = size;
  }

  /** Rows that the tallest of these inputs and the status may take in a window of that size. */
  #needed({ columns }: Size, inputs: readonly Layout[]): number {
    const wrapped = (row: string) => Math.max(1, Math.ceil(columnsOf(row) / columns));
    const status = Math.ceil(110 / columns);
    return status +
      Math.max(...inputs.map(({ rows }) => rows.reduce((sum, row) => sum + wrapped(row), 0)));
  }

  async #switch(): Promise<void> {
    await this.#empty();
    const to = this.#where === "@bob" ? "#lobby" : "@bob";
    this.done.push(`turn to ${to}`);
    await this.#terminal.enter(`/to ${to}`);
    this.#line.type(`/to ${to}`);
    this.#line.enter();
    this.#where = to;
  }

  async #empty(): Promise<void> {
    this.done.push("empty");
    await this.#terminal.press("C-a", "C-k");
    for (const key of ["ctrl-a", "ctrl-k"]) this.#line.press(key, this.#size, this.#prompt);
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
    } else if (between.some((pattern) => pattern.test(row))) close();
    else if (message !== undefined && row.startsWith("    ")) message.push(row);
    else found.stale.push(row);
  }
  close();
  return found;
}

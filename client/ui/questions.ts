/** Questions that a terminal answers by itself, as if somebody typed: which one it is, its colours, how wide it is. */
import type { Key } from "./keys.ts";

/** What letters stand on. */
export type Background = "dark" | "light";

/** Whether the cursor follows its text when rows are wrapped anew, or is moved about in the manner of that emulator. */
export type Reflow = "follows" | "xterm.js";

/** A question that has yet to be written, and its answer; undefined when none came. */
export interface Measure {
  readonly question: string;
  readonly columns: Promise<number | undefined>;
}

/** How long an answer is waited for, in ms: over a slow line, and without anybody noticing where none comes. */
const answerMs = 400;

/** The same for the width, in ms: a terminal that lets this pass is not asked again until it has caught up. */
const widthMs = 2_000;

/** What has come while this process was stopped, or had no turn, is read within this time of its going on, in ms. */
const graceMs = 50;

const widthReport = /^\d+;\d+R$/;

/** To the last column, wherever that is, and a report of the cursor (CPR), which every terminal since the VT100 gives. */
const widthQuestion = "\x1b[999C\x1b[6n";

interface Open {
  readonly fits: RegExp;
  /** The answer to the next question came: there is none to this one. */
  readonly over: RegExp;
  readonly settle: (answer: string | undefined) => void;
  /** The answer; undefined when none came in time. */
  readonly answer: Promise<string | undefined>;
}

/** The questions of one terminal. */
export class Questions {
  readonly #write: (text: string) => void;
  #open: readonly Open[] = [];
  /** How rows are wrapped anew, as far as the terminal has said. */
  reflow: Reflow = "follows";
  /** Questions for the width that nobody waits for any more: their answers come first, late or never. */
  #owed = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Asks which emulator this is (DA2); its answer is heeded whenever it comes. */
  begin(): void {
    this.#ask("\x1b[>c", { fits: /^>/, over: /^$/ });
  }

  /** Resolves when nothing is being waited for: an answer that comes after the program would be taken for typed. */
  async answered(): Promise<void> {
    while (this.#open.length > 0) await Promise.all(this.#open.map(({ answer }) => answer));
  }

  /** The terminal has gone: nothing will be answered any more. */
  end(): void {
    for (const { settle } of this.#open) settle(undefined);
  }

  /** How wide the terminal is when it comes to a question that is written in the same turn; undefined when it does not tell. */
  measure(): Measure | undefined {
    if (this.#owed > 0) return undefined;
    const answer = this.#expect({ fits: widthReport, over: /^$/ }, widthMs);
    const columns = answer.then((report) => {
      if (report === undefined) this.#owed++;
      return report === undefined ? undefined : Number(/;(\d+)R$/.exec(report)?.[1]);
    });
    return { question: widthQuestion, columns };
  }

  /**
   * Asks for the background's colour (OSC 11), and then what kind of terminal this is (DA1), which all of them answer: so
   * one that does not know the first question is not waited for.
   */
  async background(): Promise<Background | undefined> {
    const answer = await this.#ask("\x1b]11;?\x1b\\\x1b[c", { fits: /^11;/, over: /^\?[\d;]*c$/ });
    return answer === undefined ? undefined : backgroundOf(answer);
  }

  /** Whether the key was an answer, or could only be one. */
  answer(key: Key): boolean {
    if (key.kind !== "report") return false;
    if (key.text === xtermJs) this.reflow = "xterm.js";
    if (this.#owed > 0 && widthReport.test(key.text)) {
      this.#owed--;
      return true;
    }
    const found = this.#open.find(({ fits, over }) => fits.test(key.text) || over.test(key.text));
    found?.settle(found.fits.test(key.text) ? key.text : undefined);
    return true;
  }

  #ask(question: string, kind: Pick<Open, "fits" | "over">): Promise<string | undefined> {
    const answer = this.#expect(kind, answerMs);
    this.#write(question);
    return answer;
  }

  #expect(kind: Pick<Open, "fits" | "over">, within: number): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const settle = (answer: string | undefined) => {
      clearTimeout(timer);
      this.#open = this.#open.filter((one) => one !== open);
      resolve(answer);
    };
    let timer = setTimeout(() => {
      timer = setTimeout(() => settle(undefined), graceMs);
    }, within);
    const open = { ...kind, settle, answer: promise };
    this.#open = [...this.#open, open];
    return promise;
  }
}

/** What xterm.js answers (its version never changes there). */
const xtermJs = ">0;276;0c";

/** Whether `11;rgb:RRRR/GGGG/BBBB` (one to four hexadecimal digits each) is dark or light; undefined for anything else. */
export function backgroundOf(answer: string): Background | undefined {
  const parts = /^11;rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})/i.exec(answer);
  if (parts === null) return undefined;
  const [red = 0, green = 0, blue = 0] = parts.slice(1)
    .map((digits) => parseInt(digits, 16) / (16 ** digits.length - 1));
  // Relative luminance of BT.709, without its gamma: dark and light are far apart.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5 ? "dark" : "light";
}

/** The same from `COLORFGBG`, which some terminals set: foreground and background as numbers of the 16 colours. */
export function backgroundOfVariable(value: string | undefined): Background | undefined {
  const last = /^\d+;(?:\w+;)?(\d+)$/.exec(value ?? "")?.[1];
  if (last === undefined) return undefined;
  const light = last === "7" || (Number(last) > 8 && Number(last) < 16);
  return light ? "light" : "dark";
}

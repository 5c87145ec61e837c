/**
 * What stands at the bottom of a terminal and is painted again in place, and the lines that scroll away above it. Everything
 * that changes in one turn is written at once; after a key at once, for lines that arrive a moment later.
 */
import {
  below,
  type Bottom,
  landed,
  type Landing,
  nothingPainted,
  type Painting,
  rowsAbove,
  wrapping,
} from "./landing.ts";
import { columnsOf, type Layout } from "./layout.ts";
import type { Terminal } from "./terminal.ts";

/** The rows of the input and where the cursor stands, and the row below them. */
export interface View {
  readonly input: Layout;
  readonly status?: { readonly text: string; readonly styled: string };
}

interface Painted extends Bottom {
  /** Rows from the first one down to the cursor. */
  readonly up: number;
  /** What is written to paint the rows. */
  readonly written: string;
  /** What is written then to put the cursor where it belongs. */
  readonly back: string;
}

/** Something painted of which the terminal has not said yet how many columns it had then, or said others. */
interface Flying extends Painting {
  /** Columns that the terminal was thought to have. */
  readonly columns: number;
  landing?: Landing;
}

/** Synchronized output (DEC private mode 2026): terminals that know it show each repaint whole; others ignore it. */
const begin = "\x1b[?2026h";
const end = "\x1b[?2026l";

/**
 * Rows are painted without automatic wrapping (DECAWM): a row that this terminal finds wider than this program does must
 * not become two, of which one would stay.
 */
const noWrap = "\x1b[?7l";
const wrap = "\x1b[?7h";

/**
 * The next row (NEL). After a line feed systems hand on what follows apart from it (ONLCR), and a terminal could wrap its
 * rows between the two.
 */
const nextRow = "\x1bE";

/** Lines written before keys are looked at again. */
const linesAtOnce = 200;

/** Rows of so few columns wrap in no window that anybody uses: where they land makes no difference. */
const alwaysFits = 20;

/** Lines above the bottom that are known: a painting goes up too far by less than what was being typed takes. */
const mostAbove = 60;

/** Paintings in a row that came to other columns than the terminal had told before: it does not know them itself. */
const mostAstray = 32;

/**
 * Paints over one terminal. A terminal wraps its rows anew at the very moment of a resize, and tells later; what was
 * painted in between goes up too few rows and stays behind, and no program can know. So where rows could wrap the terminal
 * is asked, in the middle of what is painted, how many columns it has; what turns out to have gone astray is painted again.
 */
export class Painter {
  readonly #terminal: Terminal;
  readonly #view: () => View | undefined;
  #painted: Painted | undefined;
  #lines: string[] = [];
  #scheduled = false;
  /** Whether others have written, and may have left the cursor anywhere in its row. */
  #elsewhere = true;
  /** In the order in which it was painted. */
  #flying: Flying[] = [];
  /** What stood at the bottom before the first of those. */
  #ground: Bottom = nothingPainted;
  /** The last lines above that: a painting that goes up too far clears some of them. */
  #above: string[] = [];
  /** The size has changed, and where the flying ones landed is to be heard first. */
  #held = false;
  /** Columns that the terminal has told itself since the system told its size; undefined when they are the same. */
  #wrappedTo: number | undefined;
  /** Paintings that have gone astray since one did not. */
  #astray = 0;

  /** `view` tells what is to stand at the bottom now. */
  constructor(terminal: Terminal, view: () => View | undefined) {
    this.#terminal = terminal;
    this.#view = view;
    terminal.onResize(() => this.#resized());
    terminal.onResume(() => this.#resumed());
  }

  /** Shows whole lines above, soon. */
  show(lines: readonly string[]): void {
    for (const line of lines) this.#lines.push(line);
    this.changed();
  }

  /** The view has changed: it is painted soon. */
  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#terminal.soon(() => {
      this.#scheduled = false;
      this.now();
    }, { more: this.#lines.length > linesAtOnce });
  }

  /** Paints what is to be seen now. */
  now(): void {
    // The signal of a resize may come after it: asking for the size lets #resized set right what was painted before.
    const { columns } = this.#terminal.size();
    if (this.#held) return;
    const lines = this.#lines.splice(0, linesAtOnce);
    const next = painting(this.#view(), this.#wrappedTo);
    if (lines.length > 0 || looks(next) !== looks(this.#painted)) {
      const asked = this.#fly(lines, { next, columns: this.#wrappedTo ?? columns });
      const start = `${begin}${this.#start(columns)}${asked && `${asked}\r`}`;
      const above = lines.map((line) => `${line}${nextRow}`).join("");
      const back = next?.back ?? (asked && "\r");
      const below = `${next?.written ?? ""}${asked}${back}`;
      this.#terminal.write(`${start}${above}${below}${end}`);
      this.#painted = next;
    }
    if (this.#lines.length > 0) this.changed();
  }

  /** Everything that waits is written and the bottom is erased, as long as `meanwhile` runs. */
  aside(meanwhile: () => void): void {
    this.#finish();
    meanwhile();
    this.#above = [];
    this.#elsewhere = true;
    this.now();
  }

  /** Empties the screen, but not what has scrolled away. */
  clear(): void {
    this.#forget();
    this.#above = [];
    this.#terminal.write(`${this.#erased()}\x1b[2J\x1b[H`);
    this.now();
  }

  /** Everything that waits is written; nothing is left at the bottom. */
  close(): void {
    this.#finish();
  }

  #finish(): void {
    this.#forget();
    const above = this.#lines.splice(0).map((line) => `${line}${nextRow}`).join("");
    const last = `${this.#erased()}${above}`;
    if (last !== "") this.#terminal.write(last);
  }

  /** Moves to where painting begins: the first row of what was painted, or one in which nothing stands yet. */
  #start(columns: number): string {
    const elsewhere = this.#elsewhere;
    this.#elsewhere = false;
    // Typed ahead, a command begins behind the shell's prompt. So many columns end in the row below then, and in the
    // same one when nothing was there.
    return elsewhere ? `${" ".repeat(columns)}\r\x1b[K` : this.#erased();
  }

  /** Moves to the first painted row and clears from there down. */
  #erased(): string {
    const painted = this.#painted;
    this.#painted = undefined;
    if (painted === undefined) return "";
    // Where the first row is the screen's, tmux takes a clearing from there on for one of the whole screen, and keeps it
    // in its scrollback; so the first row is cleared by itself. The cursor is kept (DECSC) and not moved back up: when a
    // window has become lower, what stood below the cursor may be gone, and there was no row to move down to.
    const more = painted.rows.length > 1 || painted.written === "";
    const rest = more ? "\x1b7\x1b[B\x1b[J\x1b8" : "";
    return `\r${moved(painted.up, "A")}\x1b[K${rest}`;
  }

  /** Others have written in the meantime, so nothing on the screen is ours to erase. */
  #resumed(): void {
    this.#forget();
    this.#above = [];
    if (this.#painted === undefined) return;
    this.#painted = undefined;
    this.#terminal.write("\r\x1b[J");
    this.now();
  }

  /** The terminal has wrapped what was painted anew: find its first row again before repainting. */
  #resized(): void {
    this.#wrappedTo = undefined;
    if (this.#flying.length === 0) return this.#wrapped();
    this.#held = true;
    this.#settle();
  }

  #wrapped(): void {
    const painted = this.#painted;
    if (painted === undefined) return this.changed();
    const { columns } = this.#terminal.size();
    const displaced = this.#terminal.reflow() === "xterm.js";
    this.#anew(
      painted,
      displaced ? displacedCursor(painted, columns) : rowsAbove(painted, columns),
    );
  }

  /** The bottom is written anew, whatever it looks like, and everything below its first row is cleared. */
  #anew({ rows, cursorRow, beforeCursor }: Bottom, up: number): void {
    this.#painted = { rows, cursorRow, beforeCursor, up, written: "", back: "" };
    this.now();
  }

  /** What is to be written before the lines and behind the rows of `next`, so that the terminal tells where they land. */
  #fly(
    lines: readonly string[],
    { next, columns }: { next: Painted | undefined; columns: number },
  ): string {
    const before = this.#painted ?? { ...nothingPainted, up: 0 };
    const bottom = next ?? nothingPainted;
    const matters = this.#flying.length > 0 || canWrap(before) || canWrap(bottom);
    const told = this.#astray <= mostAstray && this.#terminal.reflow() === "follows";
    const [first, last] = matters && told
      ? [this.#terminal.measure(), this.#terminal.measure()]
      : [undefined, undefined];
    if (first === undefined || last === undefined) {
      this.#keep(lines);
      return "";
    }
    if (this.#flying.length === 0) this.#ground = before;
    const flying: Flying = { up: before.up, lines, bottom, columns };
    this.#flying.push(flying);
    Promise.all([first.columns, last.columns]).then(([begun = columns, ended = columns]) => {
      const known = Math.min(begun, ended) >= alwaysFits;
      if (!known) this.#astray = Infinity;
      flying.landing = known ? { begun, ended } : { begun: columns, ended: columns };
      this.#settle();
    });
    return first.question;
  }

  /** What is flying is looked through again. */
  #settle(): void {
    while (this.#flying[0] !== undefined && isInPlace(this.#flying[0])) {
      const landed = this.#flying.shift();
      this.#ground = landed?.bottom ?? nothingPainted;
      this.#keep(landed?.lines ?? []);
      if (this.#astray <= mostAstray) this.#astray = 0;
    }
    const last = this.#flying.at(-1);
    if (last?.landing !== undefined) this.#repair(last.landing.ended);
    else if (last === undefined && this.#held) {
      this.#held = false;
      this.#wrapped();
    }
  }

  /** All that is flying has landed, some of it astray: it is cleared from its first row on and painted again. */
  #repair(ended: number): void {
    // Asked for first: where the size has changed, #resized repairs by itself.
    const { columns } = this.#terminal.size();
    const flying = this.#flying;
    if (flying.length === 0) return;
    // The system tells sooner or later what the terminal says now; a size that it has told meanwhile is newer.
    if (!this.#held) this.#wrappedTo = ended === columns ? undefined : ended;
    const { bottom, above } = this.#whereAllIs(flying);
    const lines = [...above, ...flying.flatMap(({ lines }) => lines)];
    this.#above.splice(this.#above.length - above.length);
    this.#forget();
    if (++this.#astray > mostAstray) this.#wrappedTo = undefined;
    this.#lines.unshift(...lines);
    this.#anew(bottom, rowsAbove(bottom, this.#wrappedTo ?? columns));
  }

  /** The bottom after all of these, with as many lines above it as they may have touched. */
  #whereAllIs(flying: readonly Flying[]): { bottom: Bottom; above: readonly string[] } {
    for (let more = 0; more <= this.#above.length; more++) {
      const above = this.#above.slice(this.#above.length - more);
      let bottom: Bottom | undefined = below(above, this.#ground);
      for (const one of flying) {
        const { landing = { begun: one.columns, ended: one.columns } } = one;
        bottom = bottom && landed(bottom, one, landing);
      }
      if (bottom !== undefined) return { bottom, above };
    }
    // Further up nothing is known: what was painted last is taken to stand where it should.
    return { bottom: flying.at(-1)?.bottom ?? nothingPainted, above: [] };
  }

  /** Lines that stand above the bottom for good. */
  #keep(lines: readonly string[]): void {
    this.#above.push(...lines);
    if (this.#above.length > mostAbove) this.#above = this.#above.slice(-mostAbove);
  }

  /** Wherever it landed, nobody asks any more. */
  #forget(): void {
    this.#flying = [];
    this.#held = false;
  }
}

/** Whether it landed on as many columns as it was painted for. */
function isInPlace({ landing, columns }: Flying): boolean {
  return landing?.begun === columns && landing.ended === columns;
}

/** What tells whether one looks like another. */
function looks(painted: Painted | undefined): string | undefined {
  return painted && painted.written + painted.back;
}

/** Whether a row down to the cursor's is long enough to wrap some day. */
function canWrap({ rows, cursorRow }: Bottom): boolean {
  return rows.slice(0, cursorRow + 1).some((row) => columnsOf(row) > alwaysFits);
}

/**
 * What is written for a view; a terminal that is narrower by now shows as much of each row as it has room for. Spaces at
 * the end of a row are not written, because terminals differ in whether they wrap those: the cursor goes over them.
 */
function painting(view: View | undefined, narrower = Infinity): Painted | undefined {
  if (view === undefined) return undefined;
  const { input, status } = view;
  const inputRows = input.rows.map(ended);
  const shown = [...inputRows, ...(status === undefined ? [] : [status.styled])];
  const rows = [...inputRows, ...(status === undefined ? [] : [status.text])];
  const up = rows.length - 1 - input.cursorRow;
  const row = inputRows[input.cursorRow] ?? "";
  const before = ended(input.beforeCursor);
  const over = input.beforeCursor.length - before.length;
  const cut = (text: string) => narrower === Infinity ? text : wrapping(text, narrower)[0] ?? "";
  return {
    rows: rows.map(cut),
    cursorRow: input.cursorRow,
    // Behind the last character it stays with that.
    beforeCursor: cut(input.beforeCursor.length > row.length ? row : input.beforeCursor),
    up: input.cursorRow,
    written: `${noWrap}${shown.join(nextRow)}`,
    back: `${moved(up, "A")}\r${before}${moved(over, "C")}${wrap}`,
  };
}

/** A row without the spaces at its end. */
function ended(row: string): string {
  return row.replace(/ +$/, "");
}

/** So many rows up (`A`) or columns to the right (`C`). */
function moved(count: number, where: "A" | "C"): string {
  return count === 0 ? "" : `\x1b[${count}${where}`;
}

/**
 * Rows from the first painted one down to the cursor where the emulator is xterm.js: it wraps rows from the last to the first, moves the cursor down by one for each
 * row that this adds anywhere, and leaves alone the row in which the cursor stands by then.
 */
function displacedCursor({ rows, cursorRow }: Painted, columns: number): number {
  let moved = 0;
  for (let row = rows.length - 1; row >= 0; row--) {
    const more = wrapping(rows[row] ?? "", columns).length - 1;
    if (cursorRow + moved !== row) moved += more;
  }
  return cursorRow + moved;
}

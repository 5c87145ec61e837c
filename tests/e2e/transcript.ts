/**
 * Transcripts in a document: fenced blocks that say whose terminal they show (`console sam`), or what a screen of a
 * size shows (`text sam 80x14`), and how their lines compare with what a terminal really shows.
 */
import assert from "node:assert/strict";

/** One block: lines as a terminal shows them, what was typed behind its prompt. */
export interface Block {
  readonly who: string;
  /** Rows and columns, when the block is a whole screen. */
  readonly size?: { readonly columns: number; readonly rows: number };
  readonly lines: readonly string[];
}

/** The blocks of a document in their order. */
export function blocksOf(markdown: string): Block[] {
  const fences = /^```(?:console (\w+)|text (\w+) (\d+)x(\d+))\n([^]*?)^```$/gm;
  return [...markdown.matchAll(fences)].map(([, seat, screen, columns, rows, text = ""]) => ({
    who: seat ?? screen ?? "",
    lines: text.split("\n").slice(0, -1),
    ...(screen === undefined ? {} : { size: { columns: Number(columns), rows: Number(rows) } }),
  }));
}

/** A line on which somebody types: what the terminal shows before, and what is typed. */
export interface Prompt {
  readonly kind: "shell" | "question" | "secret" | "chat";
  readonly shown: string;
  readonly typed: string;
}

const prompts: readonly [Prompt["kind"], RegExp][] = [
  ["shell", /^(\$)(?: (.*))?$/],
  ["secret", /^(.*[Pp]assword:|The same again:)()$/],
  ["question", /^(.*\? \(yes\/no\)|Username(?: \[\w+\])?:)(?: (.*))?$/],
  ["chat", /^([#@]\w+>)(?: (.*))?$/],
];

/** What is typed on a line of a transcript; undefined where the program alone has written it. */
export function promptOf(line: string): Prompt | undefined {
  for (const [kind, pattern] of prompts) {
    const [, shown, typed] = pattern.exec(line) ?? [];
    if (shown !== undefined) return { kind, shown, typed: typed ?? "" };
  }
  return undefined;
}

/** An address of a machine, IPv4 or IPv6 in brackets. */
const host = String.raw`(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\])`;
/** What may differ. What stands in `bound` must be the same wherever the document has the same. */
const varying: Readonly<Record<string, string>> = {
  time: String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`,
  fingerprint: String.raw`\b(?:[0-9a-f]{4} ){15}[0-9a-f]{4}\b|\b[0-9a-f]{64}\b`,
  digits: String.raw`\b(?:\d{5} ){11}\d{5}\b`,
  id: String.raw`\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|(?<![\w-])[\w-]{43}(?![\w-])` +
    String.raw`|\b(?:[0-9a-f]{8}|[0-9a-f]{12})\b`,
  // A machine without a network invites by its own name.
  place: String.raw`(?<=sealpost:\/\/)[^\/\s]+`,
  addresses: `${host}:\\d+(?:, ${host}:\\d+)*`,
  address: host,
  // One less than the machine has cores.
  gateways: String.raw`(?<=gateways=)\d+`,
};
const bound = ["fingerprint", "digits", "id"];
const pattern = new RegExp(
  Object.entries(varying).map(([kind, source]) => `(?<${kind}>${source})`).join("|"),
  "g",
);

/** A line with the kinds of what may differ in place of it, and the bound values in their order. */
function shapeOf(line: string): { shape: string; values: string[] } {
  const values: string[] = [];
  const shape = line.trimEnd().replace(pattern, (value, ...rest) => {
    const groups: Record<string, string | undefined> = rest.at(-1);
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined) ?? "";
    if (bound.includes(kind)) values.push(`${kind} ${value.replaceAll(" ", "")}`);
    return `<${kind}>`;
  });
  return { shape, values };
}

/** Which value of the document stands for which real one, so far. */
export class Likeness {
  #real = new Map<string, string>();
  #written = new Map<string, string>();

  /** Whether lines of the document fit what a terminal shows; if so, its values are held to from here on. */
  fits(written: readonly string[], shown: readonly string[]): boolean {
    if (written.length !== shown.length) return false;
    const real = new Map(this.#real);
    const back = new Map(this.#written);
    for (const [at, line] of written.entries()) {
      const expected = shapeOf(line);
      const actual = shapeOf(shown[at] ?? "");
      if (expected.shape !== actual.shape) return false;
      for (const [index, value] of expected.values.entries()) {
        const found = actual.values[index] ?? "";
        if ((real.get(value) ?? found) !== found || (back.get(found) ?? value) !== value) {
          return false;
        }
        real.set(value, found);
        back.set(found, value);
      }
    }
    this.#real = real;
    this.#written = back;
    return true;
  }

  /** Fails with both sides when they do not fit. */
  check(written: readonly string[], shown: readonly string[]): void {
    if (this.fits(written, shown)) return;
    const shapes = (lines: readonly string[]) => lines.map((line) => shapeOf(line).shape);
    assert.deepEqual(shapes(shown), shapes(written));
    assert.fail(`another value than before:\n${shown.join("\n")}\n---\n${written.join("\n")}`);
  }
}

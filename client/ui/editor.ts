/** The line being typed, as a pure state: graphemes and a cursor between them. */
import { inputLimits } from "../../lib/base/limits.ts";

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** User-perceived characters of `text` (UAX #29). */
export function graphemesOf(text: string): string[] {
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

/** A draft: what was typed, and before which grapheme the cursor stands. */
export interface Draft {
  readonly graphemes: readonly string[];
  /** 0 to `graphemes.length`. */
  readonly cursor: number;
}

/** Nothing typed. */
export const emptyDraft: Draft = { graphemes: [], cursor: 0 };

/** The draft's text. */
export function draftText(draft: Draft): string {
  return draft.graphemes.join("");
}

/** A draft of `text` with the cursor at its end; a long one is a block. */
export function draftOf(text: string): Draft {
  const graphemes = piecesOf(text);
  return { graphemes, cursor: graphemes.length };
}

/** Longer than any character that people use: what is longer is a block. */
const longestCharacter = 200;

/** Lines and characters of a paste that are shown as they are; more become a block. */
const openLines = 8;
const openCharacters = 2_000;

/**
 * Whether an element of a draft is a block: pasted text that moves, is shown folded and is deleted as one. No
 * user-perceived character holds a line feed and something else (UAX #29 rules GB4 and GB5).
 */
export function isBlock(grapheme: string): boolean {
  return grapheme.length > longestCharacter || (grapheme.length > 2 && grapheme.includes("\n"));
}

/** A long text as one block, a short one as its characters. */
export function piecesOf(text: string): string[] {
  const long = text.length > openCharacters || text.split("\n", openLines + 1).length > openLines;
  return long && isBlock(text) ? [text] : graphemesOf(text);
}

/** How often regional indicators follow each other, their pairing changes with what is put before them. */
const regional = /^\p{Regional_Indicator}/u;

/**
 * `middle` between two parts of a draft, segmented again where they meet: a combining mark, a joiner or half a flag
 * merges with what stands beside it. The cursor stands behind `middle`.
 */
function joined(before: readonly string[], middle: string, after: readonly string[]): Draft {
  const left = before.at(-1);
  const open = left !== undefined && !isBlock(left) ? left : "";
  let far = 0;
  while (far < after.length && regional.test(after[far] ?? "")) far++;
  if (far < after.length && !isBlock(after[far] ?? "")) far++;
  const start = graphemesOf(open + middle);
  const seam = graphemesOf(open + middle + after.slice(0, far).join(""));
  const kept = open === "" ? before : before.slice(0, -1);
  // What follows may have joined the last character of `middle`; the cursor then stands behind both.
  const cursor = kept.length + Math.min(start.length, seam.length);
  return { graphemes: [...kept, ...seam, ...after.slice(far)], cursor };
}

/** `text` put in at the cursor. */
export function insert(draft: Draft, text: string): Draft {
  return joined(draft.graphemes.slice(0, draft.cursor), text, draft.graphemes.slice(draft.cursor));
}

/** Pasted text put in at the cursor: as a block when it is long. */
export function paste(draft: Draft, text: string): Draft {
  const [block, ...more] = piecesOf(text);
  if (block === undefined || more.length > 0 || !isBlock(block)) return insert(draft, text);
  const { graphemes, cursor } = draft;
  return {
    graphemes: [...graphemes.slice(0, cursor), block, ...graphemes.slice(cursor)],
    cursor: cursor + 1,
  };
}

/** The block before the cursor, else all of them, as their characters; the same draft when there is none. */
export function unfolded(draft: Draft): Draft {
  const { graphemes, cursor } = draft;
  const beside = graphemes[cursor - 1];
  const only = beside !== undefined && isBlock(beside) ? cursor - 1 : undefined;
  const open = (grapheme: string, at: number) =>
    isBlock(grapheme) && (only === undefined || only === at) ? graphemesOf(grapheme) : [grapheme];
  if (!graphemes.some(isBlock)) return draft;
  return {
    graphemes: graphemes.flatMap(open),
    cursor: graphemes.slice(0, cursor).flatMap(open).length,
  };
}

/** Everything between `from` and `to` taken out; the cursor stands where it was. */
function cut(draft: Draft, from: number, to: number): Draft {
  return joined(draft.graphemes.slice(0, from), "", draft.graphemes.slice(to));
}

const isSpace = (grapheme: string | undefined) => grapheme !== undefined && /^\s+$/u.test(grapheme);

function wordStart(draft: Draft): number {
  let at = draft.cursor;
  while (at > 0 && isSpace(draft.graphemes[at - 1])) at--;
  while (at > 0 && !isSpace(draft.graphemes[at - 1])) at--;
  return at;
}

function wordEnd(draft: Draft): number {
  let at = draft.cursor;
  while (at < draft.graphemes.length && isSpace(draft.graphemes[at])) at++;
  while (at < draft.graphemes.length && !isSpace(draft.graphemes[at])) at++;
  return at;
}

const moveTo = (draft: Draft, cursor: number): Draft => ({
  graphemes: draft.graphemes,
  cursor: Math.max(0, Math.min(draft.graphemes.length, cursor)),
});

/** What each editing key does; keys that are not here do not edit. */
export const edits: Readonly<Record<string, (draft: Draft) => Draft>> = {
  "left": (draft) => moveTo(draft, draft.cursor - 1),
  "right": (draft) => moveTo(draft, draft.cursor + 1),
  "ctrl-b": (draft) => moveTo(draft, draft.cursor - 1),
  "ctrl-f": (draft) => moveTo(draft, draft.cursor + 1),
  "home": (draft) => moveTo(draft, 0),
  "ctrl-a": (draft) => moveTo(draft, 0),
  "end": (draft) => moveTo(draft, Infinity),
  "ctrl-e": (draft) => moveTo(draft, Infinity),
  "word-left": (draft) => moveTo(draft, wordStart(draft)),
  "word-right": (draft) => moveTo(draft, wordEnd(draft)),
  "backspace": (draft) => draft.cursor === 0 ? draft : cut(draft, draft.cursor - 1, draft.cursor),
  "delete": (draft) =>
    draft.cursor === draft.graphemes.length ? draft : cut(draft, draft.cursor, draft.cursor + 1),
  "ctrl-t": swapped,
  "newline": (draft) => insert(draft, "\n"),
  "ctrl-o": unfolded,
};

/** What each key that cuts takes out: from the first grapheme up to the second. */
const cuts: Readonly<Record<string, (draft: Draft) => readonly [number, number]>> = {
  "ctrl-w": (draft) => [wordStart(draft), draft.cursor],
  "word-delete": (draft) => [draft.cursor, wordEnd(draft)],
  "ctrl-u": ({ cursor }) => [0, cursor],
  "ctrl-k": ({ cursor, graphemes }) => [cursor, graphemes.length],
};

/** What a key that cuts leaves and takes out, for Ctrl-Y; undefined for other keys. */
export function cutBy(key: string, draft: Draft): { draft: Draft; taken: string } | undefined {
  const range = cuts[key]?.(draft);
  if (range === undefined) return undefined;
  return { draft: cut(draft, ...range), taken: draft.graphemes.slice(...range).join("") };
}

/** The two characters before the cursor, or around it, change places. */
function swapped({ graphemes, cursor }: Draft): Draft {
  const at = Math.min(cursor, graphemes.length - 1);
  const [left, right] = [graphemes[at - 1], graphemes[at]];
  if (left === undefined || right === undefined) return { graphemes, cursor };
  return {
    graphemes: [...graphemes.slice(0, at - 1), right, left, ...graphemes.slice(at + 1)],
    cursor: at + 1,
  };
}

/** What was entered before, newest last, and where one is in it. */
export interface InputHistory {
  readonly lines: readonly string[];
  /** `lines.length` while the new line is edited. */
  readonly at: number;
  /** The new line, kept while older ones are looked at. */
  readonly fresh: string;
}

/** An empty history. */
export const emptyHistory: InputHistory = { lines: [], at: 0, fresh: "" };

/** `line` remembered, unless it repeats the last one. */
export function remember(history: InputHistory, line: string): InputHistory {
  const lines = line === "" || history.lines.at(-1) === line
    ? history.lines
    : [...history.lines, line].slice(-inputLimits.historyLines);
  return { lines, at: lines.length, fresh: "" };
}

/** One step (-1 older, 1 newer) through the history from `draft`; undefined at its ends. */
export function browse(
  history: InputHistory,
  draft: Draft,
  step: -1 | 1,
): { history: InputHistory; draft: Draft } | undefined {
  const at = history.at + step;
  if (at < 0 || at > history.lines.length) return undefined;
  const fresh = history.at === history.lines.length ? draftText(draft) : history.fresh;
  return {
    history: { ...history, at, fresh },
    draft: draftOf(history.lines[at] ?? fresh),
  };
}

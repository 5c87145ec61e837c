/** The line being typed, as a pure state: graphemes and a cursor between them. */

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

/** A draft of `text` with the cursor at its end. */
export function draftOf(text: string): Draft {
  const graphemes = graphemesOf(text);
  return { graphemes, cursor: graphemes.length };
}

/**
 * `text` put in at the cursor. Segmented again as a whole, because a combining mark or joiner merges with what stands
 * before it.
 */
export function insert(draft: Draft, text: string): Draft {
  const before = graphemesOf(draft.graphemes.slice(0, draft.cursor).join("") + text);
  const after = draft.graphemes.slice(draft.cursor);
  return { graphemes: [...before, ...after], cursor: before.length };
}

/** Everything between `from` and `to` taken out; the cursor stands where it was. */
function cut(draft: Draft, from: number, to: number): Draft {
  return {
    graphemes: [...draft.graphemes.slice(0, from), ...draft.graphemes.slice(to)],
    cursor: from,
  };
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
  "ctrl-w": (draft) => cut(draft, wordStart(draft), draft.cursor),
  "ctrl-u": (draft) => cut(draft, 0, draft.cursor),
  "ctrl-k": (draft) => cut(draft, draft.cursor, draft.graphemes.length),
};

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

/** How many lines are remembered. */
const historyLength = 500;

/** `line` remembered, unless it repeats the last one. */
export function remember(history: InputHistory, line: string): InputHistory {
  const lines = line === "" || history.lines.at(-1) === line
    ? history.lines
    : [...history.lines, line].slice(-historyLength);
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

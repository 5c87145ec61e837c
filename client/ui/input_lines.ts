/** Lines that were entered before, as somebody goes back through them or looks for one. */
import {
  browse,
  type Draft,
  draftOf,
  draftText,
  emptyDraft,
  emptyHistory,
  type InputHistory,
  remember,
} from "./editor.ts";

/** A search that goes on: what is looked for, and how many that fit were passed over. */
export interface Search {
  readonly query: string;
  readonly skipped: number;
  /** What is given back when the search is left. */
  readonly before: Draft;
}

/** The lines of one input line: those of earlier times and other windows, then those entered here. */
export class InputLines {
  #own: InputHistory = emptyHistory;
  /** Both together, while somebody goes through them. */
  #seen: InputHistory | undefined;
  earlier: () => readonly string[] = () => [];

  /** The line was entered here. */
  add(line: string): void {
    this.#own = remember(this.#own, line);
    this.#seen = undefined;
  }

  /** What was typed counts as new again. */
  leave(): void {
    this.#seen = undefined;
  }

  /** One step from `draft`: -1 older, 1 newer; undefined at the ends. */
  step(draft: Draft, by: -1 | 1): Draft | undefined {
    const moved = browse(this.#seen ?? this.#all(), draft, by);
    if (moved === undefined) return undefined;
    this.#seen = moved.history;
    return moved.draft;
  }

  /** The latest line that has all words of the query, after passing over some. */
  find({ query, skipped }: Search): Draft | undefined {
    if (query === "") return undefined;
    const found = new Set<string>();
    for (const line of this.#all().lines.toReversed()) {
      if (fits(line, query)) found.add(line);
      if (found.size > skipped) return draftOf(line);
    }
    return undefined;
  }

  #all(): InputHistory {
    const lines = [...this.earlier(), ...this.#own.lines];
    return { lines, at: lines.length, fresh: "" };
  }
}

function fits(line: string, query: string): boolean {
  return line.normalize().toLowerCase().includes(query.normalize().toLowerCase());
}

/** A search that begins while `draft` was typed. */
export function beginSearch(draft: Draft): Search {
  return { query: "", skipped: 0, before: draft };
}

/** What a search shows in place of the prompt. */
export function searchPrompt({ query }: Search, found: boolean): string {
  return query !== "" && !found ? `no line has "${query}": ` : `earlier line with "${query}": `;
}

/** The draft that a search ends with. */
export function found(search: Search, lines: InputLines): Draft {
  return lines.find(search) ?? (draftText(search.before) === "" ? emptyDraft : search.before);
}

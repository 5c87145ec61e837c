/** What was entered in the interactive client, for its arrow keys: sealed like everything else, and only the latest. */
import { fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import { inputLimits } from "../../lib/base/limits.ts";
import type { SealedDatabase } from "./sealed.ts";

interface Row {
  readonly id: number;
  readonly line: Uint8Array;
}

/** The lines of one profile, of all its windows. Whatever writes does so in the caller's transaction. */
export class InputLines {
  readonly #sealed: SealedDatabase;
  /** Opened before, in order. */
  #known: { readonly id: number; readonly line: string }[] = [];
  /** Those that this process has added. */
  readonly #own = new Set<number>();

  readonly #most: number;

  constructor(sealed: SealedDatabase, { most } = { most: inputLimits.historyLines as number }) {
    this.#sealed = sealed;
    this.#most = most;
  }

  /** Keeps the line; a repetition of the latest one changes nothing, and the oldest go. */
  add(line: string): void {
    const { database } = this.#sealed;
    const latest = database.prepare("SELECT id, line FROM input_lines ORDER BY id DESC LIMIT 1")
      .get<Row>();
    if (latest !== undefined && this.#opened(latest) === line) return;
    const id = (latest?.id ?? 0) + 1;
    const sealed = this.#sealed.seal(place(id), utf8(line));
    database.prepare("INSERT INTO input_lines (id, line) VALUES (?, ?)").run(id, sealed);
    database.prepare("DELETE FROM input_lines WHERE id <= ?").run(id - this.#most);
    this.#own.add(id);
  }

  /** Lines of earlier times and of other processes, earliest first. */
  others(): readonly string[] {
    return this.#all().filter(({ id }) => !this.#own.has(id)).map(({ line }) => line);
  }

  /** Takes away every line that said `text`, alone or behind a name or a command. */
  forget(text: string): void {
    for (const { id, line } of this.#all()) {
      if (!says(line, text)) continue;
      this.#sealed.database.prepare("DELETE FROM input_lines WHERE id = ?").run(id);
    }
  }

  #opened({ id, line }: Row): string {
    return fromUtf8(this.#sealed.open(place(id), line));
  }

  #all(): readonly { readonly id: number; readonly line: string }[] {
    const { database } = this.#sealed;
    const newest = this.#known.at(-1)?.id ?? 0;
    const rows = database.prepare("SELECT id, line FROM input_lines WHERE id > ? ORDER BY id")
      .all<Row>(newest);
    for (const { id, line } of rows) {
      this.#known.push({ id, line: this.#opened({ id, line }) });
    }
    // What another process has taken away, or pushed out, is gone here too.
    const ids = new Set(
      database.prepare("SELECT id FROM input_lines").all<{ id: number }>().map(({ id }) => id),
    );
    this.#known = this.#known.filter(({ id }) => ids.has(id));
    return this.#known;
  }
}

function says(line: string, text: string): boolean {
  const before = line.at(-text.length - 1);
  return line.endsWith(text) && (before === undefined || /[\s/]/.test(before));
}

function place(id: number): string {
  return `input_lines.line:${id}`;
}

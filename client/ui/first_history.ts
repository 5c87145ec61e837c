/** A new device gets the account's history: what is unread is known when that is here, and what waited at the server too. */
import type { ArchiveProgress } from "../engine/api_archive.ts";
import { historyLine } from "./archive.ts";

/** What it takes to tell of it. */
export interface FirstHistoryOptions {
  /** The history was here before. */
  readonly isHere: boolean;
  /** Says something that is not data. */
  remark(line: string): void;
  /** All of it is here now. Called once, and never where it was here before. */
  arrived(): void;
}

/** The history of one chat, as it comes. */
export class FirstHistory {
  readonly #options: FirstHistoryOptions;
  readonly #awaited: Set<"archive" | "rows">;
  #progress: ArchiveProgress | undefined;

  constructor(options: FirstHistoryOptions) {
    this.#options = options;
    this.#awaited = new Set(options.isHere ? [] : ["archive", "rows"]);
  }

  /** Whether something is still on its way of which one knows only then what there is. */
  get isAwaited(): boolean {
    return this.#awaited.size > 0;
  }

  /** How far it is, for the status row. */
  get text(): readonly string[] {
    return this.#progress === undefined ? [] : [historyLine(this.#progress)];
  }

  /** More of the archive is here. */
  show(progress: ArchiveProgress): void {
    const { complete, total } = progress;
    this.#progress = complete ? undefined : progress;
    if (complete && total > 0) this.#options.remark(`* ${historyLine(progress)}`);
    if (complete) this.#came("archive");
  }

  /** What waited at the server is here. */
  caughtUp(): void {
    this.#came("rows");
  }

  #came(what: "archive" | "rows"): void {
    if (this.#awaited.delete(what) && !this.isAwaited) this.#options.arrived();
  }
}

/** Files of a chat on their way, for its status row. */
import type { FileProgress } from "../engine/api_files.ts";
import { percentOf, Tenths } from "./progress.ts";

/** How a transfer is watched and stopped. */
export interface Watching {
  readonly onProgress: (progress: FileProgress) => void;
  readonly signal: AbortSignal;
}

/** Transfers of a chat that are going on. */
export class Transfers {
  readonly #percent = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #changed: () => void;
  readonly #tell: ((line: string) => void) | undefined;

  /** `changed` is told when `text` has changed; `tell`, where nobody sees that, of each tenth. */
  constructor(options: { changed: () => void; tell: ((line: string) => void) | undefined }) {
    this.#changed = options.changed;
    this.#tell = options.tell;
  }

  /** What is going on, for the status row. */
  get text(): readonly string[] {
    return [...this.#percent].map(([label, percent]) => `${label} ${percent} %`);
  }

  async run<T>(
    label: string,
    work: (onProgress: Watching["onProgress"], signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const tenths = new Tenths();
    const onProgress = (progress: FileProgress) => {
      const percent = percentOf(progress);
      if (this.#percent.get(label) !== percent) {
        this.#percent.set(label, percent);
        this.#changed();
      }
      const tenth = tenths.next(progress);
      if (tenth !== undefined) this.#tell?.(`${label} ${tenth} %`);
    };
    this.#percent.set(label, 0);
    this.#changed();
    const running = work(onProgress, this.#stop.signal);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      this.#percent.delete(label);
      this.#changed();
    }
  }

  /** Stops what is going on; it can be gone on with another time. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped; the same command goes on with it"));
    await Promise.allSettled([...this.#running]);
  }
}

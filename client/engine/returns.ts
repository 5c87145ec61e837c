/** What was away and is back: whoever waits out a failure goes on then, instead of when its pause is over. */

/** What was missing: the connection to one's own server, or that server's link with another one. */
export type Missing = "connection" | "link";

/** How often everything had come back at some moment. */
export interface Moment {
  readonly connection: number;
  readonly link: number;
}

interface Watcher {
  readonly missing: Missing;
  readonly go: () => void;
}

/** Tells of returns. */
export class Returns {
  #moment: Moment = { connection: 0, link: 0 };
  readonly #watchers = new Set<Watcher>();

  /** Now; to be taken before something is tried, so that a return in the midst of it counts. */
  get moment(): Moment {
    return this.#moment;
  }

  /** A new session is ready. What its server is linked with may be another thing by now, too: so it counts as both. */
  connected(): void {
    const { connection, link } = this.#moment;
    this.#moment = { connection: connection + 1, link: link + 1 };
    this.#wake(() => true);
  }

  /** One's own server has said that a link is there. */
  linked(): void {
    this.#moment = { ...this.#moment, link: this.#moment.link + 1 };
    this.#wake(({ missing }) => missing === "link");
  }

  /**
   * Calls `go` when `missing` comes back, at once when it has since that moment; never more than once. Returns what ends
   * the watching.
   */
  watch({ missing, since, go }: Watcher & { readonly since: Moment }): () => void {
    if (this.#moment[missing] > since[missing]) {
      go();
      return () => {};
    }
    const watcher = { missing, go };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #wake(concerns: (watcher: Watcher) => boolean): void {
    for (const watcher of [...this.#watchers].filter(concerns)) {
      this.#watchers.delete(watcher);
      watcher.go();
    }
  }
}

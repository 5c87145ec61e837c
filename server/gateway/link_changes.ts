/** Telling clients which links with other servers have come or ended. */
import type { Clock } from "../../lib/base/clock.ts";
import { wantsEvents } from "./nudges.ts";
import type { Session } from "./session.ts";

/** Gathers changes for a moment: of a link that comes and goes in it, only the last is told. */
export class LinkChanges {
  readonly #clock: Clock;
  readonly #gatherMs: number;
  readonly #sessions: { all(): Iterable<Session> };
  /** By the server's name here. */
  readonly #changed = new Map<string, boolean>();

  constructor(
    clock: Clock,
    options: { readonly gatherMs: number; readonly sessions: { all(): Iterable<Session> } },
  ) {
    this.#clock = clock;
    this.#gatherMs = options.gatherMs;
    this.#sessions = options.sessions;
  }

  add(server: string, linked: boolean): void {
    if (this.#changed.size === 0) this.#clock.after(this.#gatherMs, () => this.#tell());
    this.#changed.set(server, linked);
  }

  #tell(): void {
    const changes = [...this.#changed];
    this.#changed.clear();
    const texts = changes.map(([server, linked]) =>
      JSON.stringify({ type: "server.link", server, linked })
    );
    for (const session of this.#sessions.all()) {
      if (!wantsEvents(session)) continue;
      for (const text of texts) session.connection.sendEncoded(text);
    }
  }
}

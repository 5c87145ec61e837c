/** Changes of presence, gathered for a moment and then told to everybody in one event, made into text once. */
import type { Clock } from "../../lib/base/clock.ts";
import type { UserRow } from "../operations/contract.ts";

/** Changes of one event, as many as its schema allows. */
const changesAtOnce = 200;

/** Gathers changes for as long as `gatherMs` says, in milliseconds. */
export class PresenceChanges {
  readonly #clock: Clock;
  readonly #gatherMs: () => number;
  readonly #send: (json: string) => void;
  /** The latest state of each account that changed. */
  readonly #changed = new Map<string, UserRow>();

  constructor(clock: Clock, options: { gatherMs: () => number; send: (json: string) => void }) {
    this.#clock = clock;
    this.#gatherMs = options.gatherMs;
    this.#send = options.send;
  }

  /** An account has come, gone, or changed its sessions. */
  add(user: UserRow): void {
    if (this.#changed.size === 0) this.#clock.after(this.#gatherMs(), () => this.#flush());
    this.#changed.set(user.account, user);
  }

  #flush(): void {
    const changes = [...this.#changed.values()];
    this.#changed.clear();
    for (let at = 0; at < changes.length; at += changesAtOnce) {
      const some = changes.slice(at, at + changesAtOnce);
      this.#send(JSON.stringify({ type: "presence", changes: some }));
    }
  }
}

/** Changes of presence, gathered for a moment and then told to everybody in one event, made into text once. */
import type { Clock } from "../../lib/base/clock.ts";
import type { UserRow } from "../operations/contract.ts";

/** Changes of one event, as many as its schema allows. */
const changesAtOnce = 200;

/** Characters of one event: names and addresses are ASCII, so that any frame holds it. */
const charsAtOnce = 32 * 1024;

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
    const rows = [...this.#changed.values()].map((user) => JSON.stringify(user));
    this.#changed.clear();
    while (rows.length > 0) {
      this.#send(`{"type":"presence","changes":[${takeSome(rows).join(",")}]}`);
    }
  }
}

/** Removes from the front as many rows as fit into one event. */
function takeSome(rows: string[]): string[] {
  let chars = 0;
  let count = 0;
  while (count < Math.min(rows.length, changesAtOnce)) {
    chars += rows[count]?.length ?? 0;
    if (chars > charsAtOnce && count > 0) break;
    count++;
  }
  return rows.splice(0, count);
}

/** How much may be asked of a peer at once without an answer: what goes beyond waits here, in order. */

/** What may be under way. One that is larger than all that may be goes when nothing else does. */
export interface Most {
  readonly count: number;
  readonly bytes: number;
}

interface Slot {
  readonly bytes: number;
  readonly send: () => void;
  state: "waiting" | "sent" | "over";
}

/** The questions under way over one link. */
export class AskWindow {
  readonly #most: Most;
  readonly #waiting: Slot[] = [];
  #count = 0;
  #bytes = 0;

  constructor(most: Most) {
    this.#most = most;
  }

  /** Calls `send`, at once or when there is room. The result gives the room back, once; before it was sent, it is not sent. */
  take(bytes: number, send: () => void): () => void {
    const slot: Slot = { bytes, send, state: "waiting" };
    this.#waiting.push(slot);
    this.#go();
    return () => this.#give(slot);
  }

  #give(slot: Slot): void {
    if (slot.state === "sent") {
      this.#count--;
      this.#bytes -= slot.bytes;
    }
    slot.state = "over";
    this.#go();
  }

  #go(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.state === "waiting") {
        if (!this.#hasRoom(next.bytes)) return;
        next.state = "sent";
        this.#count++;
        this.#bytes += next.bytes;
        next.send();
      }
      this.#waiting.shift();
    }
  }

  #hasRoom(bytes: number): boolean {
    const { count, bytes: most } = this.#most;
    return this.#count === 0 || (this.#count < count && this.#bytes + bytes <= most);
  }
}

/** Telling of requests: what a stranger asks for is known only when the conversation is there. */
import type { CancelTimer, Clock } from "../../lib/base/clock.ts";
import type { ChatMessage, NotificationInfo } from "../engine/api.ts";
import { safe } from "./format.ts";
import { addressOf } from "./target.ts";

/** How long a request waits for its conversation, in ms: then only its sender is told. */
const waitMs = 5_000;

/** Requests that wait; further ones are told at once. */
const mostHeld = 50;

interface Held {
  readonly from: string;
  readonly conversation: string | undefined;
  readonly cancel: CancelTimer;
}

/** Holds notifications of requests until a line of their conversation comes. */
export class RequestNews {
  readonly #clock: Clock;
  readonly #tell: (line: string) => void;
  #held: readonly Held[] = [];

  constructor(clock: Clock, tell: (line: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Somebody asks for something. */
  hold({ from = "somebody", conversation }: NotificationInfo): void {
    if (this.#held.length >= mostHeld) return this.#tell(personLine(from));
    const cancel = this.#clock.after(waitMs, () => {
      this.#held = this.#held.filter((one) => one !== held);
      this.#tell(personLine(from));
    });
    const held = { from, conversation, cancel };
    this.#held = [...this.#held, held];
  }

  /** A line has come: what it is about is known now. */
  seen({ target, from }: ChatMessage): void {
    const found = this.#held.find((held) =>
      target.kind === "group"
        ? held.conversation === target.id
        : target.kind === "direct" && held.from === from
    );
    if (found === undefined) return;
    this.#held = this.#held.filter((one) => one !== found);
    found.cancel();
    if (target.kind !== "group") return this.#tell(personLine(found.from));
    const group = safe(addressOf(target), 70);
    this.#tell(
      `* ${safe(found.from, 64)} invites you to ${group}: /accept ${group} or /decline ${group}`,
    );
  }

  /** Nothing more is told. */
  stop(): void {
    for (const { cancel } of this.#held) cancel();
    this.#held = [];
  }
}

function personLine(from: string): string {
  const name = safe(from, 64);
  return `* ${name} would like to write to you: /accept, /decline or /block ${name}`;
}

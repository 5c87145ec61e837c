/** Answers of linked servers, kept for while those are away. What they prove they prove by themselves, whoever hands it on. */
import type { Clock } from "../../lib/base/clock.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Answer } from "./asking.ts";

/** Kept answers by what was asked; when there are too many all are forgotten. */
export class KeptAnswers {
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly answer: Answer; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(subject: string, answer: Answer): void {
    if (this.#kept.size >= peerLimits.answers) this.#kept.clear();
    this.#kept.set(subject, { answer, at: this.#clock.monotonic() });
  }

  /** Unless it is too old. */
  find(subject: string): Answer | undefined {
    const kept = this.#kept.get(subject);
    const young = kept !== undefined && this.#clock.monotonic() - kept.at < peerLimits.answerMs;
    return young ? kept.answer : undefined;
  }
}

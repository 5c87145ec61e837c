/** Lines about a group whose name has not come yet: it does a moment later, and only then do they say anything to a person. */
import type { ChatMessage } from "../engine/api.ts";
import { isUnnamed, sameTarget } from "./target.ts";

/** Lines that are held back; further ones are shown as they are. */
const mostHeld = 50;

/** Holds such lines back until the name, or something else of that group, is there. */
export class UnnamedNotices {
  #held: ChatMessage[] = [];

  /** Whether the line is held back now. */
  hold(message: ChatMessage): boolean {
    const held = message.kind === "notice" && isUnnamed(message.target) &&
      this.#held.length < mostHeld;
    if (held) this.#held.push(message);
    return held;
  }

  /** What was held back of the group that `message` is of, under the name that it has there. */
  release({ target, conversation }: ChatMessage): readonly ChatMessage[] {
    const same = this.#held.filter((held) => sameTarget(held.target, target));
    if (same.length > 0) this.#held = this.#held.filter((held) => !same.includes(held));
    return same.map((held) => ({ ...held, target, conversation }));
  }
}

/** Gathers the nudges of one transaction, so that many rows of a conversation become one nudge. */
import type { Nudge } from "../operations/contract.ts";

function union(a: readonly string[], b: readonly string[]): string[] {
  const added = b.filter((device) => !a.includes(device));
  return added.length === 0 ? [...a] : [...a, ...added];
}

/** What makes two nudges one; undefined for those that stand alone. */
function subjectOf(nudge: Nudge): string | undefined {
  switch (nudge.kind) {
    case "log":
      return `log ${nudge.conversation}`;
    case "receipt":
      return `receipt ${nudge.conversation} ${nudge.account}`;
    case "presence":
      return `presence ${nudge.user.account}`;
    default:
      return undefined;
  }
}

/** The later nudge, with the devices of the earlier. */
function merge(earlier: Nudge, later: Nudge): Nudge {
  if (earlier.kind === "log" && later.kind === "log") {
    return { ...later, devices: union(earlier.devices, later.devices) };
  }
  if (earlier.kind === "receipt" && later.kind === "receipt") {
    return { ...later, devices: union(earlier.devices, later.devices) };
  }
  return later;
}

/** The nudges of one transaction in the order of their first mention. */
export class NudgeGatherer {
  readonly #nudges: Nudge[] = [];
  readonly #places = new Map<string, number>();

  /** Adds one, or makes it one with another about the same. */
  add(nudge: Nudge): void {
    const subject = subjectOf(nudge);
    const place = subject === undefined ? undefined : this.#places.get(subject);
    const earlier = place === undefined ? undefined : this.#nudges[place];
    if (place !== undefined && earlier !== undefined) {
      this.#nudges[place] = merge(earlier, nudge);
      return;
    }
    if (subject !== undefined) this.#places.set(subject, this.#nudges.length);
    this.#nudges.push(nudge);
  }

  /** All of them. */
  all(): readonly Nudge[] {
    return this.#nudges;
  }
}

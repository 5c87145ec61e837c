/** Gathers the nudges of one transaction, so that many rows of a conversation become one nudge. */
import type { Nudge } from "../operations/contract.ts";

type LogNudge = Extract<Nudge, { readonly kind: "log" }>;

/** Rows that travel with one nudge: as many as one reading of a log gives; more are read. */
const carried = { rows: 256, bytes: 256 * 1024 };

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

/** The rows of both, where the later follow on the earlier and they are not too many. */
function rowsOf(earlier: LogNudge, later: LogNudge): Pick<LogNudge, "rows"> {
  const [first, second] = [earlier.rows, later.rows];
  if (first === undefined || second === undefined) return {};
  const rows = [...first, ...second];
  const bytes = rows.reduce((sum, row) => sum + row.bytes.length, 0);
  const follow = second[0]?.seq === earlier.seq + 1;
  return follow && rows.length <= carried.rows && bytes <= carried.bytes ? { rows } : {};
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
    case "outbox":
      return `outbox ${nudge.peer}`;
    default:
      return undefined;
  }
}

/** The later nudge, with the devices of the earlier. */
function merge(earlier: Nudge, later: Nudge): Nudge {
  if (earlier.kind === "log" && later.kind === "log") {
    const { kind, conversation, seq } = later;
    const devices = union(earlier.devices, later.devices);
    return { kind, conversation, seq, devices, ...rowsOf(earlier, later) };
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

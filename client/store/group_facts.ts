/** What is known of groups beside their keys: names, members and their roles, whether this account is in them. */
import { fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import type { Role } from "../../lib/base/membership.ts";
import type { SealedDatabase } from "./sealed.ts";

/** One account in a group. */
export interface GroupMember {
  /** UUID. */
  readonly account: string;
  /** As its owner spells it. */
  readonly name: string;
  readonly role: Role;
}

/** Where this account stands. */
export type Standing =
  | { readonly kind: "active" }
  /** Invited by a stranger: to accept or decline. */
  | { readonly kind: "request"; readonly by: string }
  /** On its way out: the server knows, the keys are still to change. */
  | { readonly kind: "leaving" }
  | { readonly kind: "left" }
  /** `by`: name of who did it. */
  | { readonly kind: "removed"; readonly by: string }
  | { readonly kind: "dissolved"; readonly by: string };

/** What is known of one group. */
export interface GroupFacts {
  /** Undefined until a member, or the archive, has told it. */
  readonly name: string | undefined;
  readonly description?: string;
  /** When it was named last, by the namer's clock; 0 as long as no member has told it. */
  readonly namedAt: number;
  /** The epoch in which these are its members. */
  readonly epoch: number;
  readonly members: readonly GroupMember[];
  /** Members that have said, within the group, that they leave it. */
  readonly leaving: readonly string[];
  readonly standing: Standing;
  /** As it was one epoch before: what a commit that is taken back leads back to. */
  readonly before?: {
    readonly epoch: number;
    readonly members: readonly GroupMember[];
    /** Those among them that had said that they leave. */
    readonly leaving?: readonly string[];
  };
}

/** A group that nothing is known of yet. */
export const unknownGroup: GroupFacts = {
  name: undefined,
  namedAt: 0,
  epoch: 0,
  members: [],
  leaving: [],
  standing: { kind: "active" },
};

/** The facts of one profile's groups. Whatever writes does so in the caller's transaction. */
export class GroupFactsStore {
  readonly #sealed: SealedDatabase;
  readonly #known = new Map<number, { readonly revision: number; readonly facts: GroupFacts }>();

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  /** Of the group of a thread; those of an unknown group when there are none. */
  get(thread: number): GroupFacts {
    const { database } = this.#sealed;
    const found = database.prepare("SELECT revision FROM group_facts WHERE thread = ?")
      .get<{ revision: number }>(thread);
    if (found === undefined) return unknownGroup;
    const known = this.#known.get(thread);
    if (known?.revision === found.revision) return known.facts;
    const row = database.prepare("SELECT revision, facts FROM group_facts WHERE thread = ?")
      .get<{ revision: number; facts: Uint8Array }>(thread);
    if (row === undefined) return unknownGroup;
    const facts: GroupFacts = JSON.parse(fromUtf8(this.#sealed.open(place(thread), row.facts)));
    this.#known.set(thread, { revision: row.revision, facts });
    return facts;
  }

  /** Replaces them. */
  put(thread: number, facts: GroupFacts): void {
    const sealed = this.#sealed.seal(place(thread), utf8(JSON.stringify(facts)));
    this.#sealed.database.prepare(
      `INSERT INTO group_facts (thread, revision, facts) VALUES (?, 1, ?)
      ON CONFLICT (thread) DO UPDATE SET revision = revision + 1, facts = excluded.facts`,
    )
      .run(thread, sealed);
  }
}

function place(thread: number): string {
  return `group_facts.facts:${thread}`;
}

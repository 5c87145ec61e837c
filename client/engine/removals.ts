/** Whom the next commit of a conversation must remove, as far as the server has told. */

/** Devices (base64url keys) and whole accounts (UUIDs) whose removal waits. */
export interface Waiting {
  readonly removals: readonly string[];
  readonly leaving: readonly string[];
}

const nobody: Waiting = { removals: [], leaving: [] };

/** The removals of all conversations. */
export class Removals {
  readonly #waiting = new Map<string, Waiting>();

  /** As the server has just said. */
  note(conversation: string, { removals, leaving }: Waiting): void {
    if (removals.length + leaving.length === 0) this.#waiting.delete(conversation);
    else this.#waiting.set(conversation, { removals, leaving });
  }

  of(conversation: string): Waiting {
    return this.#waiting.get(conversation) ?? nobody;
  }

  /** Whether the server waits for a commit that removes somebody. */
  has(conversation: string): boolean {
    return this.#waiting.has(conversation);
  }

  /** A commit was applied: whoever it removed waits no more. */
  done(conversation: string, { removals, leaving }: Waiting): void {
    const known = this.of(conversation);
    this.note(conversation, {
      removals: known.removals.filter((device) => !removals.includes(device)),
      leaving: known.leaving.filter((account) => !leaving.includes(account)),
    });
  }
}

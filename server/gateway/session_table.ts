/** The sessions of one gateway, by connection and by device. */

/** What the table needs to know of a session. */
export interface Listed {
  readonly connection: { readonly id: string };
  /** Base64url. */
  readonly device: string;
}

/** All sessions that are open here. */
export class SessionTable<S extends Listed> {
  readonly #byId = new Map<string, S>();
  readonly #readyByDevice = new Map<string, Set<S>>();
  readonly #nobody: ReadonlySet<S> = new Set();
  /** Messages of all sessions that are not dealt with yet, and the bytes that they and their answers hold. */
  readonly load = { requests: 0, bytes: 0 };

  /** How many there are, logged in or not. */
  get size(): number {
    return this.#byId.size;
  }

  /** Every session. */
  all(): Iterable<S> {
    return this.#byId.values();
  }

  /** The session of connection `id`. */
  get(id: string): S | undefined {
    return this.#byId.get(id);
  }

  /** The logged-in sessions of a device. */
  ofDevice(device: string): ReadonlySet<S> {
    return this.#readyByDevice.get(device) ?? this.#nobody;
  }

  /** A session has begun. */
  add(session: S): void {
    this.#byId.set(session.connection.id, session);
  }

  /** `session` has logged in. */
  addReady(session: S): void {
    const known = this.#readyByDevice.get(session.device);
    if (known === undefined) this.#readyByDevice.set(session.device, new Set([session]));
    else known.add(session);
  }

  /** `session` has ended. */
  remove(session: S): void {
    this.#byId.delete(session.connection.id);
    this.removeReady(session);
  }

  /** `session` is logged in no more. */
  removeReady(session: S): void {
    const known = this.#readyByDevice.get(session.device);
    known?.delete(session);
    if (known?.size === 0) this.#readyByDevice.delete(session.device);
  }
}

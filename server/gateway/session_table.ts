/** The sessions of one gateway, by connection and by device. */
import type { Session } from "./session.ts";

const nobody: ReadonlySet<Session> = new Set();

/** All sessions that are open here. */
export class SessionTable {
  readonly #byId = new Map<string, Session>();
  readonly #readyByDevice = new Map<string, Set<Session>>();

  /** How many there are, logged in or not. */
  get size(): number {
    return this.#byId.size;
  }

  /** Every session. */
  all(): Iterable<Session> {
    return this.#byId.values();
  }

  /** The session of connection `id`. */
  get(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** The logged-in sessions of a device. */
  ofDevice(device: string): ReadonlySet<Session> {
    return this.#readyByDevice.get(device) ?? nobody;
  }

  /** A session has begun. */
  add(session: Session): void {
    this.#byId.set(session.connection.id, session);
  }

  /** `session` has logged in. */
  addReady(session: Session): void {
    const known = this.#readyByDevice.get(session.device);
    if (known === undefined) this.#readyByDevice.set(session.device, new Set([session]));
    else known.add(session);
  }

  /** `session` has ended. */
  remove(session: Session): void {
    this.#byId.delete(session.connection.id);
    this.removeReady(session);
  }

  /** `session` is logged in no more. */
  removeReady(session: Session): void {
    const known = this.#readyByDevice.get(session.device);
    known?.delete(session);
    if (known?.size === 0) this.#readyByDevice.delete(session.device);
  }
}

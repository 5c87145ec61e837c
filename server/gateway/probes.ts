/** Asks older sessions of a device, here or on another gateway, whether they still live. */
import type { Clock } from "../../lib/base/clock.ts";
import { randomId } from "../../lib/base/ids.ts";
import type { SessionKey, Storage } from "../operations/contract.ts";

/** Sessions as a probe sees them. */
interface Probeable {
  get(id: string):
    | { readonly connection: { probe(ms: number): Promise<boolean> } }
    | undefined;
}

/** What probing needs. */
export interface ProbeServices {
  readonly gateway: number;
  readonly sessions: Probeable;
  readonly storage: Storage;
  readonly clock: Clock;
  /** How long a session has to answer, in milliseconds. */
  readonly probeMs: number;
}

/** Extra time for the way through the storage worker to another gateway and back, in milliseconds. */
const detourMs = 500;

/** Probes under way. */
export class Probes {
  readonly #services: ProbeServices;
  readonly #waiting = new Map<string, (alive: boolean) => void>();

  constructor(services: ProbeServices) {
    this.#services = services;
  }

  /** Whether any of `targets` lives. Takes at most about `probeMs`. */
  async anyAlive(targets: readonly SessionKey[]): Promise<boolean> {
    const answers = await Promise.all(targets.map((target) => this.#alive(target)));
    return answers.includes(true);
  }

  /** Another gateway asks for a session that is held here. */
  async answer(target: SessionKey, probe: string): Promise<void> {
    const alive = await this.#aliveHere(target.session);
    await this.#services.storage.call("session.probed", { probe, alive });
  }

  /** Another gateway has answered. */
  settle(probe: string, alive: boolean): void {
    this.#waiting.get(probe)?.(alive);
  }

  #alive(target: SessionKey): Promise<boolean> {
    return target.gateway === this.#services.gateway
      ? this.#aliveHere(target.session)
      : this.#aliveElsewhere(target);
  }

  #aliveHere(session: string): Promise<boolean> {
    const found = this.#services.sessions.get(session);
    return found?.connection.probe(this.#services.probeMs) ?? Promise.resolve(false);
  }

  #aliveElsewhere(target: SessionKey): Promise<boolean> {
    const { storage, clock, probeMs } = this.#services;
    const probe = randomId();
    return new Promise((resolve, reject) => {
      const settle = (alive: boolean) => {
        cancel();
        this.#waiting.delete(probe);
        resolve(alive);
      };
      const cancel = clock.after(probeMs + detourMs, () => settle(false));
      this.#waiting.set(probe, settle);
      storage.call("session.probe", { target, probe }).catch(reject);
    });
  }
}

/** All gateway workers of a server, on the same addresses. */
import type { Attempt } from "../../lib/base/attempts.ts";
import type { CertificatePair } from "../../lib/crypto/x509.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { GatewaySettings, ListenAddress } from "../gateway/control.ts";
import { newSharedCount } from "../gateway/connection_count.ts";
import type { GatewayFigures } from "../gateway/figures.ts";
import { chooseAddresses } from "./addresses.ts";
import { type GatewayEvents, type GatewayInput, GatewayWorker } from "./gateways.ts";

/** What all gateways of a server have in common. */
export type CommonInput = Omit<
  GatewayInput,
  "index" | "listen" | "shared" | "storage" | "count" | "peers"
>;

/** What each of them is connected with. */
export interface GatewayWays {
  /** Gives the way to the storage worker for one of them. */
  readonly storage: () => MessagePort;
  /** Whether there is to be a federation worker from the start on; `linkPeers` then gives the ways to it. */
  readonly peers: boolean;
}

/** What a group is made for. */
export interface GroupOptions {
  /** 0 is any free port. */
  readonly port: number;
  readonly count: number;
  readonly events: GatewayEvents;
}

/** How often another free port is tried when somebody was faster. */
const attempts = 5;

/** The workers. They begin to load their code when the group is made. */
export class GatewayGroup {
  readonly #options: GroupOptions;
  #listen: readonly ListenAddress[];
  #workers: GatewayWorker[];
  /** The other ends of what the workers were started with. */
  #ways: MessagePort[] = [];

  /** Throws `ExitError` (network) when the port cannot be used. */
  constructor(options: GroupOptions) {
    this.#options = options;
    this.#listen = chooseAddresses(options.port);
    this.#workers = this.#spawn();
  }

  /** All of them listen. Throws `ExitError`. */
  async start(
    common: CommonInput,
    ways: GatewayWays,
  ): Promise<readonly ListenAddress[]> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#startAll(common, ways);
      } catch (thrown) {
        const again = thrown instanceof ExitError && thrown.reason === "network" &&
          this.#options.port === 0 && attempt < attempts;
        if (!again) throw thrown;
        this.terminate();
        this.#listen = chooseAddresses(0);
        this.#workers = this.#spawn();
      }
    }
  }

  /** Resolves when these settings hold in all of them. */
  async configure(settings: GatewaySettings): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.configure(settings)));
  }

  /** New connections get another certificate. Throws `ExitError` (localData). */
  async certify(pair: CertificatePair): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.certify(pair)));
  }

  /** What each of them has counted. */
  async figures(): Promise<GatewayFigures[]> {
    return await Promise.all(this.#workers.map((worker) => worker.figures()));
  }

  /** Ways from all of them to the federation worker. */
  linkPeers(): MessagePort[] {
    if (this.#ways.length > 0) return this.#ways.splice(0);
    return this.#workers.map((worker) => {
      const { port1, port2 } = new MessageChannel();
      worker.linkPeers(port1);
      return port2;
    });
  }

  /** Every session is told and drained, then the workers end. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  /** Ends the workers at once. */
  terminate(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  /** For tests: what happens when the first worker tries `what`. */
  async try(what: Attempt): Promise<string> {
    return await this.#workers[0]?.try(what) ?? "no worker";
  }

  #spawn(): GatewayWorker[] {
    const { count, events } = this.#options;
    return Array.from({ length: count }, () => new GatewayWorker(this.#listen, events));
  }

  async #startAll(
    common: CommonInput,
    ways: GatewayWays,
  ): Promise<readonly ListenAddress[]> {
    this.#ways = [];
    const shared = this.#workers.length > 1;
    const all = { ...common, listen: this.#listen, shared, count: newSharedCount() };
    const started = await Promise.all(
      this.#workers.map((worker, index) => {
        const peers = ways.peers ? this.#way() : undefined;
        return worker.start({ ...all, index, storage: ways.storage(), peers });
      }),
    );
    return started[0] ?? [];
  }

  /** One end of a new way to the federation worker; the other is kept for it. */
  #way(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#ways.push(port2);
    return port1;
  }
}

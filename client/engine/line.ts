/** The connection that questions go over before an account is chosen. */
import type { Clock } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import { generateSigningKey, type SigningKey } from "../../lib/crypto/sign.ts";
import { Requests } from "../../lib/wire/client_requests.ts";
import { openConnection } from "./dialing.ts";
import type { Desk } from "./joining.ts";
import type { KnownServer, KnownServers } from "./servers.ts";

/** How long a server that only might help is waited for, in milliseconds. */
const quickMs = 3000;

/** What a line needs. */
export interface LineOptions {
  readonly server: KnownServer;
  readonly servers: KnownServers;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The token of an invitation link, for a registration. */
  readonly invite?: string;
}

/** A desk, and the key that signs what is said there. */
export type OwnDesk = Desk & { readonly device: SigningKey };

interface Open {
  readonly device: SigningKey;
  readonly requests: Requests;
}

/** At most one connection to one server, opened when somebody asks. */
export class Line {
  readonly #options: LineOptions;
  #open: Open | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** Asks over a connection signed by `device`; any will do when none is given. */
  async desk(device?: SigningKey, signal = this.#options.signal): Promise<OwnDesk> {
    const open = this.#open?.requests.connection.isOpen ? this.#open : undefined;
    const fits = open !== undefined && (device === undefined || device === open.device);
    const line = fits ? open : await this.#redial(device ?? generateSigningKey(), signal);
    const { server: { identity: serverKey }, invite } = this.#options;
    const desk = { server: line.requests, serverKey, device: line.device };
    return invite === undefined ? desk : { ...desk, invite };
  }

  /** A new connection, or none within seconds: for what only serves to find out more. */
  async quickDesk(): Promise<OwnDesk> {
    const { clock, signal } = this.#options;
    const limit = new AbortController();
    const late = () => limit.abort(new AppError("timeout", { fault: "environment" }));
    const cancel = clock.after(quickMs, late);
    try {
      return await this.desk(generateSigningKey(), AbortSignal.any([signal, limit.signal]));
    } finally {
      cancel();
    }
  }

  /** Ends the connection; the next question opens another one. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.requests.close();
  }

  async #redial(device: SigningKey, signal: AbortSignal): Promise<Open> {
    await this.close();
    const { server, servers, clock } = this.#options;
    const connection = await openConnection({ server, servers, device, clock, signal });
    const requests = new Requests(connection, {
      clock,
      onEvent: () => undefined,
      onClosed: () => undefined,
    });
    return this.#open = { device, requests };
  }
}

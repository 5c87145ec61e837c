/** One gateway: takes connections, gives each a session, tells them what happens, and ends in order. */
import { type Clock, pause } from "../../lib/base/clock.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import type { Logger } from "../../lib/base/log.ts";
import { fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import { software } from "../../lib/base/version.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import type { SigningKey } from "../../lib/crypto/sign.ts";
import { type AcceptOptions, Connection } from "../../lib/wire/connection.ts";
import type { SocketTransport } from "../../lib/wire/tls.ts";
import type { Transport } from "../../lib/wire/transport.ts";
import { type PeerDirectory, PeerPort } from "../federation/pipe.ts";
import { LinkChanges } from "./link_changes.ts";
import type { Storage } from "../operations/contract.ts";
import { StagedCommits } from "../requests/staging.ts";
import type { GatewaySettings } from "./control.ts";
import { counted, GatewayCounters, type GatewayFigures } from "./figures.ts";
import { ConnectionCount, type SharedCount } from "./connection_count.ts";
import { countedAddress, type GatewayLimits, throttled } from "./limits.ts";
import { NudgeRouter } from "./nudges.ts";
import { Probes } from "./probes.ts";
import { relieve } from "./relief.ts";
import { serve } from "./serve.ts";
import { type Services, Session } from "./session.ts";
import { SessionTable } from "./session_table.ts";

/** What a gateway is made of. */
export interface GatewayOptions {
  readonly index: number;
  readonly identity: SigningKey;
  readonly serverName: string;
  /** PEM; empty where a public authority certifies the server. */
  readonly authority: string;
  readonly opaqueSetup: string;
  readonly registration: "open" | "invite" | "closed";
  readonly limits: GatewayLimits;
  /** Where connections are counted together with other gateways; by itself when left out. */
  readonly count?: SharedCount | undefined;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Connections that are told "too many" at the same time; beyond it they are closed without a word. */
const refusalsAtOnce = 64;

/** When clients may come back after the server closed, in milliseconds. */
const comeBackMs = 2000;

/** The gateway's sessions and their services. */
export class Gateway {
  readonly #services: Services;
  /** What may be decided anew, under the names that services know it by. */
  readonly #policy: { registration: GatewaySettings["registration"] };
  readonly #limits: { -readonly [K in keyof GatewayLimits]: GatewayLimits[K] };
  readonly #count: ConnectionCount;
  readonly #counters = new GatewayCounters();
  readonly #accept: AcceptOptions;
  /** Connections being served, greeting included. */
  readonly #serving = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #refusing = 0;
  #peers: PeerPort | undefined;

  constructor(options: GatewayOptions) {
    const sessions = new SessionTable<Session>();
    const { index: gateway } = options;
    this.#limits = { ...options.limits };
    this.#policy = { registration: options.registration };
    const limits: GatewayLimits = this.#limits;
    const probes = new Probes({ ...options, gateway, sessions, probeMs: limits.probeMs });
    const identityText = toBase64url(options.identity.publicKey);
    const staged = new StagedCommits(options.clock);
    const peers: PeerDirectory = {
      ask: (server, question, body) =>
        this.#peers?.ask(server, question, body) ?? Promise.reject(new AppError("no_such_server")),
      servers: () => this.#peers?.servers() ?? [],
    };
    const policy: Services["policy"] = this.#policy;
    const counters = this.#counters;
    const own = { counters, gateway, identityText, sessions, probes, staged, peers };
    this.#services = { ...options, ...own, limits, policy };
    this.#count = new ConnectionCount(limits, options.count);
    this.#accept = {
      identity: options.identity,
      facts: {
        name: options.serverName,
        software,
        authority: options.authority,
        capabilities: ["files"],
      },
      clock: options.clock,
      logger: options.logger,
    };
    const router = new NudgeRouter(this.#services);
    options.storage.onNudges((nudges) => router.take(nudges));
    this.#relieve();
  }

  /** Hands servers that dial this one to the federation worker from now on; before, they are refused. */
  linkPeers(port: MessagePort): void {
    const { clock, limits, sessions } = this.#services;
    const changes = new LinkChanges(clock, { gatherMs: limits.presenceMs, sessions });
    this.#peers = new PeerPort(port, (server, linked) => changes.add(server, linked));
  }

  /** Other settings hold from now on; connections that are there stay. */
  configure({ registration, connections, connectionsPerAddress }: GatewaySettings): void {
    this.#policy.registration = registration;
    Object.assign(this.#limits, { connections, connectionsPerAddress });
  }

  /** Looks from time to time whether too much waits to be written, until the gateway closes. */
  #relieve(): void {
    const { sessions, clock, limits } = this.#services;
    if (this.#closing.signal.aborted) return;
    const connections = [...sessions.all()].map(({ connection }) => connection);
    relieve(connections, limits.unsentBytes);
    clock.after(serverLimits.unsentCheckMs, () => this.#relieve());
  }

  /** How many sessions there are, logged in or not. */
  get size(): number {
    return this.#services.sessions.size;
  }

  /** What there is to count, as it stands. */
  figures(): GatewayFigures {
    const { sessions } = this.#services;
    return {
      ...this.#counters,
      connections: this.#serving.size,
      sessions: sessions.size,
      inFlight: sessions.load.requests,
    };
  }

  /** Takes a new connection over. */
  take(transport: SocketTransport): void {
    const address = countedAddress(transport.remote.hostname);
    if (this.#closing.signal.aborted) return transport.close();
    if (!this.#count.take(address)) return this.#refuse(transport, address);
    this.#counters.accepted++;
    const served = this.#serve(transport, address).finally(() => {
      this.#count.give(address);
      this.#serving.delete(served);
    });
    this.#serving.add(served);
  }

  /**
   * Ends all sessions: they are told, requests under way are answered, what is queued is written; after `drainMs` the
   * rest is cut off. `take` only closes from here on.
   */
  async close(): Promise<void> {
    const { sessions, clock, limits } = this.#services;
    this.#closing.abort();
    const ended = Promise.all([...sessions.all()].map((session) => this.#end(session)));
    await Promise.race([ended, pause(clock, limits.drainMs)]);
    await Promise.race([this.#peers?.close(), pause(clock, limits.drainMs)]);
    const left = [...sessions.all()].map(({ connection }) => connection.close());
    await Promise.race([Promise.all([...left, ...this.#serving]), pause(clock, limits.drainMs)]);
  }

  /** Never rejects: whatever happens on one connection concerns no other. */
  async #serve(transport: SocketTransport, address: string): Promise<void> {
    const { limits, clock } = this.#services;
    try {
      const connection = await this.#greet(
        throttled(counted(transport, this.#counters), limits, clock),
      );
      if (this.#closing.signal.aborted) {
        return await connection.close(new AppError("server_closing"));
      }
      if (isPeer(connection)) return await this.#servePeer(connection, transport);
      await serve(new Session(this.#services, connection, address));
    } catch (thrown) {
      this.#logGreeting(asAppError(thrown), address);
    }
  }

  async #servePeer(connection: Connection, { remote }: SocketTransport): Promise<void> {
    const { port } = remote;
    const hostname = remote.hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    const at = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
    if (this.#peers !== undefined) return await this.#peers.serve(connection, at);
    // No server is linked, and none is let in.
    const code = "peer_unknown";
    this.#services.logger.log("warning", "peer_refused", {
      remote: at,
      fingerprint: peerFingerprint(connection),
      code,
    });
    await connection.close(new AppError(code));
  }

  /** A greeting that is under way when the gateway closes is given up. */
  async #greet(transport: Transport): Promise<Connection> {
    const onClosing = () => transport.close();
    this.#closing.signal.addEventListener("abort", onClosing, { once: true });
    try {
      return await Connection.accept(transport, this.#accept);
    } finally {
      this.#closing.signal.removeEventListener("abort", onClosing);
    }
  }

  #logGreeting(error: AppError, remote: string): void {
    const { code, fault } = error;
    const level = fault === "us" ? "error" : code === "timeout" ? "debug" : "warning";
    const cause = fault === "us" ? String(error.cause) : undefined;
    this.#services.logger.log(level, "greeting_failed", { remote, code, cause });
  }

  #refuse(transport: SocketTransport, remote: string): void {
    this.#counters.refused++;
    this.#services.logger.log("warning", "too_many_connections", { remote });
    if (this.#refusing >= refusalsAtOnce) return transport.close();
    this.#refusing++;
    const error = new AppError("too_many_connections", { retryAfterMs: 10_000 });
    const options = { ...this.#accept, error };
    void Connection.refuse(transport, options).finally(() => this.#refusing--);
  }

  async #end(session: Session): Promise<void> {
    const { connection } = session;
    connection.send({ type: "server.closing", retryAfterMs: comeBackMs });
    session.leave();
    await session.atMost(0, 0);
    await connection.close();
  }
}

/** Whether another server has dialled, and no client. */
function isPeer({ peer }: Connection): boolean {
  return peer.kind === "client" && peer.hello.role === "peer";
}

function peerFingerprint({ peer }: Connection): string | undefined {
  return peer.kind === "client" ? fingerprintHex(fromBase64url(peer.hello.device)) : undefined;
}

/** One client's session as the gateway sees it: where it stands, and what it may do there. */
import type { Clock } from "../../lib/base/clock.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import type { Logger } from "../../lib/base/log.ts";
import type { SigningKey } from "../../lib/crypto/sign.ts";
import type { Connection } from "../../lib/wire/connection.ts";
import { errorMessage } from "../../lib/wire/errors.ts";
import type { SessionState } from "../../lib/wire/messages.ts";
import type { Actor, Refused, SessionKey, Storage } from "../operations/contract.ts";
import type { PeerDirectory } from "../federation/pipe.ts";
import type { StagedCommits } from "../requests/staging.ts";
import type { GatewayCounters } from "./figures.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Probes } from "./probes.ts";
import type { Push } from "./push.ts";
import { Routes } from "./routes.ts";
import type { SessionTable } from "./session_table.ts";

/** What handlers work with. */
export interface Services {
  readonly gateway: number;
  readonly identity: SigningKey;
  /** Base64url of the identity's public key. */
  readonly identityText: string;
  /** The server's name as its checkpoints carry it. */
  readonly serverName: string;
  readonly opaqueSetup: string;
  /** What the operator may decide anew while sessions last. */
  readonly policy: { readonly registration: "open" | "invite" | "closed" };
  readonly limits: GatewayLimits;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessions: SessionTable<Session>;
  readonly counters: GatewayCounters;
  readonly probes: Probes;
  /** Linked servers; none before there is one. */
  readonly peers: PeerDirectory;
  readonly staged: StagedCommits;
}

/** What the server keeps between the two messages of a password exchange. */
export type Exchange =
  | { readonly kind: "none" }
  | { readonly kind: "password"; readonly name: string; readonly state: string };

/** Where a session stands; it carries exactly what is valid there. */
export type Phase =
  | { readonly kind: "open"; readonly exchange: Exchange }
  | {
    readonly kind: "enrolling";
    readonly account: string;
    readonly name: string;
    readonly accountKey: string;
  }
  | {
    readonly kind: "ready";
    readonly actor: Actor;
    readonly name: string;
    readonly exchange: Exchange;
    readonly push: Push;
  }
  /** On its way out; `entered` when the registry still has to be told. */
  | { readonly kind: "draining"; readonly entered: boolean };

/** A phase in which the session is logged in. */
export type Ready = Phase & { readonly kind: "ready" };

/** A session. */
export class Session {
  readonly services: Services;
  readonly connection: Connection;
  /** The address that limits are counted by. */
  readonly remote: string;
  /** The key that signs its frames, base64url. */
  readonly device: string;
  /** Uploads that it has begun: bytes of each in all, by the file's id. */
  readonly uploads = new Map<string, number>();
  readonly routes = new Routes();
  phase: Phase = { kind: "open", exchange: { kind: "none" } };
  /** Messages that are not dealt with yet, and the bytes that they and their answers hold. */
  readonly inFlight = { requests: 0, bytes: 0 };
  #onAnswered: (() => void)[] = [];

  constructor(services: Services, connection: Connection, remote: string) {
    const { peer } = connection;
    if (peer.kind !== "client") throw new AppError("internal", { fault: "us" });
    this.services = services;
    this.connection = connection;
    this.remote = remote;
    this.device = peer.hello.device;
  }

  /** How the registry names it. */
  get key(): SessionKey {
    return { gateway: this.services.gateway, session: this.connection.id };
  }

  /** The state by which the catalogue permits messages. */
  get state(): SessionState {
    return this.phase.kind;
  }

  /** The logged-in phase. Throws `AppError("not_permitted_now")` elsewhere. */
  get ready(): Ready {
    if (this.phase.kind !== "ready") throw new AppError("not_permitted_now");
    return this.phase;
  }

  /** A message has arrived that holds this many bytes, its answer included, until it is dealt with. */
  begin(bytes: number): void {
    this.services.counters.messages++;
    const { load } = this.services.sessions;
    for (const counted of [this.inFlight, load]) {
      counted.requests++;
      counted.bytes += bytes;
    }
  }

  /** It is dealt with. */
  finish(bytes: number): void {
    const { load } = this.services.sessions;
    for (const counted of [this.inFlight, load]) {
      counted.requests--;
      counted.bytes -= bytes;
    }
    for (const go of this.#onAnswered.splice(0)) go();
  }

  /** Resolves when at most this many requests and bytes are under way. */
  async atMost(requests: number, bytes: number): Promise<void> {
    while (this.inFlight.requests > requests || this.inFlight.bytes > bytes) {
      await new Promise<void>((resolve) => this.#onAnswered.push(resolve));
    }
  }

  /** No further requests, no further events. */
  leave(): void {
    const { phase } = this;
    if (phase.kind === "draining") return;
    if (phase.kind === "ready") phase.push.end();
    this.services.sessions.removeReady(this);
    this.phase = { kind: "draining", entered: phase.kind === "ready" };
  }

  /** What the client may know of `thrown`; our own failures are logged with their cause. */
  failure(thrown: unknown): AppError {
    const error = asAppError(thrown);
    if (error.fault !== "peer") {
      this.services.counters.failures++;
      const cause = error.cause instanceof Error ? error.cause : error;
      this.services.logger.log("error", "request_failed", {
        connection: this.connection.id,
        code: error.code,
        cause: `${cause.name}: ${cause.message}`,
        at: cause.stack?.split("\n")[1]?.trim(),
      });
    }
    return error;
  }

  /** Tells the client that request `id` is refused. */
  refuse(id: number, refused: Refused): void {
    const { code, retryAfterMs, epoch } = refused;
    const error = new AppError(code, retryAfterMs === undefined ? {} : { retryAfterMs });
    const context = { connection: this.connection.id, id };
    this.connection.send(
      errorMessage(error, epoch === undefined ? context : { ...context, epoch }),
    );
  }
}

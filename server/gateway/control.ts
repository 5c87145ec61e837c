/** What the supervisor and a gateway worker say to each other. */
import type { Attempt } from "../../lib/base/attempts.ts";
import type { CrashPlan } from "../../lib/base/crashpoint.ts";
import type { LogFields, LogLevel } from "../../lib/base/log.ts";

import type { SharedCount } from "./connection_count.ts";
import type { GatewayFigures } from "./figures.ts";

/** An address to listen on. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** What the operator decides, and may decide anew while it runs. */
export interface GatewaySettings {
  readonly registration: "open" | "invite" | "closed";
  /** Connections at once, in all and from one address. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/** Everything a gateway needs; it can read no file itself. Holds secrets: it is never logged. */
export interface GatewayStart {
  readonly kind: "start";
  readonly index: number;
  readonly listen: readonly ListenAddress[];
  /** Whether other gateways listen on the same addresses. */
  readonly shared: boolean;
  /** PEM: the certificate chain and its private key. */
  readonly cert: string;
  readonly key: string;
  /** 32 bytes. */
  readonly identitySeed: Uint8Array;
  readonly opaqueSetup: string;
  readonly serverName: string;
  /** PEM of the server's own authority; empty where a public one certifies it. */
  readonly authority: string;
  readonly settings: GatewaySettings;
  /** Where all gateways count connections. */
  readonly count: SharedCount;
  readonly testHooks: boolean;
  /** The point to die at, with `testHooks`. */
  readonly crash: CrashPlan | undefined;
  /** The way to the storage worker. */
  readonly storage: MessagePort;
  /**
   * The way to the federation worker, where there is to be one from the start on: what is asked before it listens waits
   * there, instead of being told that no server is linked.
   */
  readonly peers: MessagePort | undefined;
}

/** From the supervisor to a gateway. */
export type ToGateway =
  | GatewayStart
  /** The way to the federation worker, which takes servers that dial this one. */
  | { readonly kind: "peers"; readonly port: MessagePort }
  | { readonly kind: "settings"; readonly settings: GatewaySettings }
  | { readonly kind: "figures" }
  /** PEM: new connections get another certificate. */
  | { readonly kind: "certificate"; readonly cert: string; readonly key: string }
  /** Accept nothing new, drain, close. */
  | { readonly kind: "close" }
  | { readonly kind: "try"; readonly what: Attempt };

/** From a gateway to the supervisor. */
export type FromGateway =
  /** Its code is loaded and it listens to messages. */
  | { readonly kind: "up" }
  | { readonly kind: "listening"; readonly addresses: readonly ListenAddress[] }
  | {
    readonly kind: "failed";
    readonly problem: "in_use" | "denied" | "certificate" | "other";
    readonly text: string;
  }
  | {
    readonly kind: "log";
    readonly level: LogLevel;
    readonly event: string;
    readonly fields: LogFields;
  }
  /** New settings hold from now on. */
  | { readonly kind: "configured" }
  /** New connections get the other certificate; or the one from before, and why. */
  | { readonly kind: "certified"; readonly problem: string | undefined }
  | { readonly kind: "figures"; readonly figures: GatewayFigures }
  | { readonly kind: "closed" }
  | { readonly kind: "tried"; readonly what: Attempt; readonly result: string }
  /** Kill this process now; the sender blocks meanwhile. */
  | { readonly kind: "crash" };

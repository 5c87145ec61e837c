/** What the supervisor and the federation worker say to each other. */
import type { Attempt } from "../../lib/base/attempts.ts";
import type { LogFields, LogLevel } from "../../lib/base/log.ts";
import type { LinkStatus } from "./surroundings.ts";
import type { Met } from "./dialing.ts";

export type { LinkStatus } from "./surroundings.ts";
export type { Met } from "./dialing.ts";

/** Everything that federation needs. Holds secrets: it is never logged. */
export interface FederationStart {
  readonly kind: "start";
  /** 32 bytes. */
  readonly identitySeed: Uint8Array;
  readonly serverName: string;
  readonly open: boolean;
  readonly lobby: boolean;
  readonly testHooks: boolean;
  /** The way to the storage worker. */
  readonly storage: MessagePort;
  /** The ways to the gateways. */
  readonly gateways: readonly MessagePort[];
}

/** From the supervisor. */
export type ToFederation =
  | FederationStart
  | { readonly kind: "links"; readonly id: number }
  /** Asks who answers at `HOST:PORT`. */
  | { readonly kind: "meet"; readonly id: number; readonly address: string }
  /** Whether servers that nobody has added may link by themselves is decided anew. */
  | { readonly kind: "open"; readonly id: number; readonly open: boolean }
  | { readonly kind: "try"; readonly id: number; readonly what: Attempt }
  | { readonly kind: "close"; readonly id: number };

/** Answers carry the id of what they answer. */
export type FederationAnswer =
  | { readonly kind: "links"; readonly id: number; readonly links: readonly LinkStatus[] }
  | { readonly kind: "met"; readonly id: number; readonly met: Met }
  | { readonly kind: "not_met"; readonly id: number; readonly text: string }
  | { readonly kind: "opened"; readonly id: number }
  | { readonly kind: "tried"; readonly id: number; readonly result: string }
  | { readonly kind: "closed"; readonly id: number };

/** To the supervisor. */
export type FromFederation =
  | { readonly kind: "up" }
  | {
    readonly kind: "log";
    readonly level: LogLevel;
    readonly event: string;
    readonly fields: LogFields;
  }
  | FederationAnswer;

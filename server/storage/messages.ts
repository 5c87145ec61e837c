/** What the threads around the storage worker say to each other. */
import type { Attempt } from "../../lib/base/attempts.ts";
import type { CrashPlan } from "../../lib/base/crashpoint.ts";
import type { HistogramFigures } from "../../lib/base/histogram.ts";
import type { ErrorCode } from "../../lib/base/errors.ts";
import type { Nudge, OperationName } from "../operations/contract.ts";
import type { Settings } from "../operations/context.ts";

/** One call of a gateway: its number on this port, the operation, the input. */
export type Call = readonly [id: number, name: OperationName, input: object];

/** Why a call failed. The text is safe to show. */
export interface Failure {
  readonly code: ErrorCode;
  readonly text: string;
}

/** The end of one call. */
export type Reply =
  | readonly [id: number, result: object]
  | readonly [id: number, result: null, failure: Failure];

/** From the storage worker to one gateway after each commit; packed. */
export interface Delivery {
  readonly replies: readonly Reply[];
  readonly nudges: readonly Nudge[];
}

/** Which nudges somebody who asks the storage side wants to hear: a gateway all, the links only what is for them. */
export type Hears = "all" | "peers" | "nothing";

/** From the supervisor to the storage worker. */
export type ToStorage =
  | {
    readonly kind: "start";
    readonly path: string;
    /** The folder of files. */
    readonly files: string;
    readonly settings: Settings;
    readonly testHooks: boolean;
    readonly crash: CrashPlan | undefined;
  }
  | { readonly kind: "connect"; readonly hears: Hears; readonly port: MessagePort }
  | { readonly kind: "status" }
  | { readonly kind: "figures" }
  /** What the operator decides anew. */
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "try"; readonly what: Attempt }
  | { readonly kind: "close" };

/** Figures of the storage worker since its start. */
export interface StorageStatus {
  readonly operations: number;
  readonly transactions: number;
  /** Operations that failed, refusals not counted. */
  readonly failures: number;
  readonly sessionsOnline: number;
  readonly accountsOnline: number;
  /** Bytes of the database file. */
  readonly databaseBytes: number;
}

/** What the storage worker counts beside that, for metrics. Sizes in bytes. */
export interface StorageFigures extends StorageStatus {
  /** Messages that were accepted, repeats of lost answers included. */
  readonly messagesAccepted: number;
  /** Operations that wait for a transaction. */
  readonly waiting: number;
  readonly batchSeconds: HistogramFigures;
  readonly batchOperations: HistogramFigures;
  /** What waits for receivers; at most `metricsLimits.queuedMs` old. */
  readonly queuedBytes: number;
  readonly files: number;
  readonly fileBytes: number;
}

/** From the storage worker to the supervisor. */
export type FromStorage =
  | { readonly kind: "listening" }
  | { readonly kind: "started" }
  | { readonly kind: "failed"; readonly failure: Failure; readonly detail: string }
  | { readonly kind: "trouble"; readonly operation: string; readonly detail: string }
  | { readonly kind: "status"; readonly status: StorageStatus }
  | { readonly kind: "figures"; readonly figures: StorageFigures }
  /** New settings hold for every operation from now on. */
  | { readonly kind: "configured" }
  | { readonly kind: "tried"; readonly what: Attempt; readonly outcome: string }
  | { readonly kind: "kill" }
  | { readonly kind: "closed" };

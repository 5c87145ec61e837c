/** What the supervisor and the metrics worker say to each other. */
import type { Attempt } from "../../lib/base/attempts.ts";

/** From the supervisor. */
export type ToMetrics =
  | {
    readonly kind: "start";
    readonly hostname: string;
    readonly port: number;
    readonly testHooks: boolean;
  }
  /** Only with `testHooks`. */
  | { readonly kind: "try"; readonly what: Attempt }
  /** The answer to a `scrape`; undefined when the figures could not be gathered. */
  | { readonly kind: "text"; readonly id: number; readonly text: string | undefined };

/** To the supervisor. */
export type FromMetrics =
  | { readonly kind: "up" }
  | { readonly kind: "listening"; readonly port: number }
  | {
    readonly kind: "failed";
    readonly problem: "in_use" | "denied" | "other";
    readonly text: string;
  }
  /** Somebody asks. */
  | { readonly kind: "scrape"; readonly id: number }
  | { readonly kind: "tried"; readonly what: Attempt; readonly result: string };

/** What a doctor finds. */

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  /** `skip`: that could not be looked at. */
  readonly level: "ok" | "warn" | "fail" | "skip";
  readonly text: string;
  /** What is to be done. */
  readonly advice?: string;
  /** The exit code that it leads to. */
  readonly exit?: number;
}

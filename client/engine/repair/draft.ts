/** What a batch of rows does beyond going on: commits that can be taken back, are taken back, or cannot be applied. */
import type { MlsGroup } from "../../../lib/mls/mod.ts";
import type { Dispute } from "../../store/repairs.ts";

/** The repairs of a batch so far. */
export interface RepairDraft {
  /** The group before the latest commit of the batch. */
  before: { readonly epoch: number; readonly group: MlsGroup } | undefined;
  /** The conversation's incarnation, when a row has raised it. */
  incarnation: number | undefined;
  /** When that was (ms since 1970). */
  setBackAt: number | undefined;
  /** What was sent in later epochs than this one is to be sent again; -1 for everything. */
  deadAfter: number | undefined;
  /** The server was put back to a backup, and knows no row after that one. */
  forgotten: number | undefined;
  /** A commit that cannot be applied; `over` when one of before matters no more. */
  dispute: Dispute | "over" | undefined;
  /** A commit of this very device was taken back; the accounts that it had removed are to be removed once more. */
  replan: readonly string[] | undefined;
}

/** Nothing yet. */
export function newRepairDraft(): RepairDraft {
  return {
    before: undefined,
    incarnation: undefined,
    setBackAt: undefined,
    deadAfter: undefined,
    forgotten: undefined,
    dispute: undefined,
    replan: undefined,
  };
}

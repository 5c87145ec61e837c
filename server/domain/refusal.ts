/** When a commit that members cannot apply is taken back. */
import { mlsLimits } from "../../lib/base/limits.ts";
import type { Refused } from "../operations/contract.ts";
import { type Conversation, rosterOf, type Seat, sendingSeat } from "./conversation.ts";

/** The latest commit of a conversation. */
export interface LatestCommit {
  /** Its row, when it was stored, whose it is (storage key), its hash and the epoch it leads away from. */
  readonly seq: number;
  readonly ts: number;
  readonly device: number;
  readonly hash: string;
  readonly epoch: number;
}

/** A refusal as a device sends it. */
export interface Refusing {
  readonly device: string;
  readonly incarnation: number;
  readonly epoch: number;
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Devices that may refuse the commit: in the group before it and after it, and not its own. */
export function mayRefuse(conversation: Conversation, undo: LatestCommit): Seat[] {
  return rosterOf(conversation).filter((seat) =>
    !seat.dead && seat.device !== undo.device && seat.joined < undo.seq
  );
}

/**
 * Undefined when the device may refuse that commit: the latest one, not its own, not the one that let it in, soon enough.
 */
export function checkRefusal(
  conversation: Conversation,
  undo: LatestCommit | undefined,
  refusing: Refusing,
): Refused | undefined {
  const { epoch } = conversation;
  const seat = sendingSeat(conversation, refusing.device);
  if (seat === undefined) return { ok: false, code: "not_a_member" };
  const latest = undo !== undefined && undo.hash === refusing.hash &&
    undo.epoch === refusing.epoch && epoch === undo.epoch + 1 &&
    conversation.incarnation === refusing.incarnation;
  if (!latest) return { ok: false, code: "epoch_conflict", epoch };
  if (refusing.now - undo.ts > mlsLimits.refusalWindowMs) {
    return { ok: false, code: "epoch_too_old", epoch };
  }
  return mayRefuse(conversation, undo).includes(seat)
    ? undefined
    : { ok: false, code: "not_a_member" };
}

/** Of how many accounts refusals must come: in a group, the devices of one account alone take nothing back. */
function accountsNeeded(conversation: Conversation): number {
  const accounts = new Set(rosterOf(conversation).map(({ account }) => account));
  return accounts.size > 2 ? mlsLimits.refusalsToRollBack : 1;
}

/** Whether these devices together take the commit back. */
export function isRefused(conversation: Conversation, devices: readonly Seat[]): boolean {
  const accounts = new Set(devices.map(({ account }) => account));
  return devices.length >= mlsLimits.refusalsToRollBack &&
    accounts.size >= accountsNeeded(conversation);
}

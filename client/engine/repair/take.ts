/** Rows and commits that concern repairs, as a batch comes to them. */
import { mlsLimits } from "../../../lib/base/limits.ts";
import { type CommitRefusalReason, refusalReasons } from "../../../lib/crypto/commit_refusal.ts";
import type { MlsGroup, RefusalReason } from "../../../lib/mls/mod.ts";
import type { Arrived } from "../../../lib/wire/messages.ts";
import type { Core } from "../core.ts";
import type { Draft } from "../draft.ts";
import { factsOf } from "../group_intake.ts";
import { takenBack } from "../group_rules.ts";
import type { Groups } from "../groups.ts";
import { takeRollback } from "./rollback.ts";
import { noteUndone } from "./undone.ts";

/** Takes in a row that takes a commit back, or that says that the group was made anew without this device. */
export async function takeRepair(
  surroundings: { readonly core: Core; readonly groups: Groups },
  draft: Draft,
  message: Arrived<"rollback" | "recreated">["message"],
): Promise<void> {
  const { core, groups } = surroundings;
  const { repair, thread } = draft;
  if (message.incarnation <= (repair.incarnation ?? thread.incarnation)) return;
  repair.setBackAt = message.ts;
  if (message.type === "recreated") return takeRecreated(draft, message);
  await takeRollback(core, groups, { draft, message });
  if (thread.kind !== "group") return;
  const before = factsOf(core, draft);
  const facts = takenBack(before, message.epoch);
  draft.facts = facts;
  const { seq, ts } = message;
  noteUndone(core, draft, { now: before.members, then: facts.members, at: { seq, ts } });
  draft.entries.push(({ threads }) => {
    const { name, namedAt } = threads.groups.get(thread.thread);
    threads.setGroup(thread, { ...facts, name, namedAt }, { seq });
    return [];
  });
}

function takeRecreated(
  draft: Draft,
  { incarnation, forgotten }: Arrived<"recreated">["message"],
): void {
  beginAnew(draft, incarnation);
  draft.repair.forgotten = forgotten;
  draft.group = undefined;
  draft.rejoin = true;
}

/** The group was made anew: nothing of the old one counts any more, and what was not accepted is sent in the new one. */
export function beginAnew(draft: Draft, incarnation: number): void {
  const { repair, thread } = draft;
  repair.incarnation = incarnation;
  repair.before = undefined;
  repair.deadAfter = -1;
  repair.dispute = "over";
  if (draft.group === undefined && thread.cursor === 0) return;
  draft.warnings.push(`the conversation with ${thread.title} was made anew, with fresh keys`);
}

/** A commit of the group before was applied: it can still be taken back. */
export function noteBefore(draft: Draft, before: MlsGroup): void {
  draft.repair.before = { epoch: before.epoch, group: before };
}

/** Whether this device stands before a commit that it cannot apply; what comes after it cannot be read yet. */
export function isDisputed({ repairs }: Core, { repair, thread }: Draft): boolean {
  return repair.dispute === undefined
    ? repairs.dispute(thread.thread) !== undefined
    : repair.dispute !== "over";
}

/**
 * Stands before the commit when its fault may be the committer's; then others are asked. False when it is this device that
 * is behind, or when nobody could second it.
 */
export async function beginDispute(
  core: Core,
  draft: Draft,
  commit: { readonly event: Arrived<"commit">; readonly reason: RefusalReason },
): Promise<boolean> {
  const { message, body } = commit.event;
  const { group, repair, thread } = draft;
  const reason = refusalReasons.find((each) => each === commit.reason);
  const others = (group?.members().length ?? 0) > mlsLimits.refusalsToRollBack;
  const { commitHash } = await core.mls();
  const fits = group?.epoch === message.epoch && commitHash(body) === message.hash;
  if (reason === undefined || !others || !fits || isDisputed(core, draft)) return false;
  const incarnation = repair.incarnation ?? thread.incarnation;
  repair.dispute = disputeOf(message, { incarnation, reason });
  return true;
}

function disputeOf(
  { epoch, hash }: Arrived<"commit">["message"],
  { incarnation, reason }: { readonly incarnation: number; readonly reason: CommitRefusalReason },
) {
  return { incarnation, epoch, hash, reason };
}

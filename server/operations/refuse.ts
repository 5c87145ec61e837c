/** Taking back a commit that members cannot apply. */
import { mlsLimits } from "../../lib/base/limits.ts";
import type { Conversation, Seat } from "../domain/conversation.ts";
import { checkRefusal, isRefused, mayRefuse } from "../domain/refusal.ts";
import type { StoredRefusal, Undo } from "../tables/repairs.ts";
import { spend } from "./allowance.ts";
import { askingParty, type Context, type Handler, refuse } from "./context.ts";
import type { RefusalRow, Refused } from "./contract.ts";
import { forwardRollback } from "./followers.ts";
import { findListed, rosterEntries } from "./parties.ts";
import { continueRun, tellRow } from "./rows.ts";
import { restoreMembers, restoreRemovals, restoreSeats } from "./undo.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** Notes that a device cannot apply the latest commit; enough of them take it back. */
export const conversationRefuse: Handler<"conversation.refuse"> = (context, input) => {
  const { tables, now } = context;
  const party = askingParty(tables, input);
  if (!party.ok) return party;
  const found = findListed(tables, party, input.conversation);
  if (!found.ok) return found;
  const { conversation } = found;
  // Taken back by others meanwhile, or by this very refusal, whose answer was lost.
  if (tables.repairs.isRefused(conversation.key, input.hash)) {
    return { ok: true, rolledBack: true, others: 0 };
  }
  const undo = tables.repairs.undo(conversation.key);
  const refused = checkRefusal(conversation, undo, { ...input, now });
  if (refused !== undefined || undo === undefined) return refused ?? refuse("epoch_conflict");
  const before = tables.repairs.refusals(conversation.key);
  const again = before.some(({ device }) => device === input.device);
  const { account, device, reason, signature } = input;
  const own: StoredRefusal = { account, device, reason, signature, ts: now };
  const refusals = again ? before : [...before, own];
  const seats = mayRefuse(conversation, undo);
  const enough = isRefused(conversation, by(seats, refusals));
  const limited = again ? undefined : refuseTooMany(context, { conversation, device, enough });
  if (limited !== undefined) return limited;
  if (!again) tables.repairs.addRefusal(conversation.key, own);
  if (enough) rollBack(context, conversation, { undo, refusals });
  return {
    ok: true,
    rolledBack: enough,
    others: enough ? 0 : others(conversation, seats, refusals),
  };
};

function by(seats: readonly Seat[], refusals: readonly StoredRefusal[]): Seat[] {
  return seats.filter(({ key }) => refusals.some(({ device }) => device === key));
}

/** How many devices there are whose refusal would be the last that it takes. */
function others(
  conversation: Conversation,
  seats: readonly Seat[],
  refusals: readonly StoredRefusal[],
): number {
  const present = by(seats, refusals);
  return seats.filter((seat) =>
    !present.includes(seat) && isRefused(conversation, [...present, seat])
  )
    .length;
}

/** Members who refuse without reason hold the group up only so often. */
function refuseTooMany(
  context: Context,
  refusing: {
    readonly conversation: Conversation;
    readonly device: string;
    readonly enough: boolean;
  },
): Refused | undefined {
  const { conversation, device, enough } = refusing;
  const perDevice = { most: mlsLimits.refusalsPerDay, windowMs: dayMs };
  const perConversation = { most: mlsLimits.rollbacksPerDay, windowMs: dayMs };
  const retryAfterMs = spend(context, { kind: "refusal", subject: device, allowance: perDevice }) ||
    (enough
      ? spend(context, {
        kind: "rollback",
        subject: conversation.id,
        allowance: perConversation,
      })
      : 0);
  return retryAfterMs > 0 ? refuse("rate_limited", { retryAfterMs }) : undefined;
}

/** As if the commit had never been, but for its row and the row that says so. */
export function rollBack(
  context: Context,
  conversation: Conversation,
  { undo, refusals }: { readonly undo: Undo; readonly refusals: readonly RefusalRow[] },
): void {
  const { tables, now } = context;
  const { key } = conversation;
  const seq = conversation.head + 1;
  conversation.head = seq;
  conversation.epoch = undo.epoch;
  conversation.incarnation += 1;
  conversation.lastCommit = seq;
  tables.conversations.dropVerdicts(key, undo.epoch);
  tables.repairs.addRefused(key, { hash: undo.hash, ts: now });
  tables.conversations.setGroupInfo(key, undo.groupInfo);
  // What was sent in the epoch that is gone is sent again, under its own id.
  tables.log.forgetSent(key, undo.seq);
  restoreMembers(context, conversation, undo);
  restoreSeats(context, conversation, { undo, seq });
  restoreRemovals(context, conversation, undo);
  const committer = tables.devices.byKey(undo.device);
  const facts = {
    seq,
    ts: now,
    account: committer.accountId,
    device: committer.device,
    epoch: undo.epoch,
    incarnation: conversation.incarnation,
    hash: undo.hash,
    refusals: refusals.slice(0, mlsLimits.refusalsToRollBack)
      .map(({ account, device, reason, signature }) => ({ account, device, reason, signature })),
    roster: rosterEntries(tables, conversation),
  };
  tables.repairs.addRollback(key, facts);
  tables.repairs.clear(key);
  continueRun(context, conversation, 0);
  tables.conversations.save(conversation);
  forwardRollback(context, conversation, facts);
  tellRow(context, conversation, { by: "" });
}

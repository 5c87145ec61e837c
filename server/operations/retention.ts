/** Deleting what is past its time, a bounded piece with every run. */
import { mlsLimits, serverLimits } from "../../lib/base/limits.ts";
import { trustClock } from "../domain/clock_trust.ts";
import type { Conversation } from "../domain/conversation.ts";
import { dropSeat } from "../domain/conversation.ts";
import { horizon, slowestOf } from "../domain/progress.ts";
import { failureMemoryMs } from "../domain/login_delay.ts";
import type { Context, Handler } from "./context.ts";
import { expireFiles } from "./files.ts";
import { cutLobby } from "./lobby.ts";
import { askAgain } from "./hub.ts";
import { endMirror } from "./leaving.ts";
import { emptyMessages } from "./lifetimes.ts";
import { expireOutboxes } from "./outbox.ts";
import { settleWaiting } from "./waiting.ts";

/** Conversations that one run looks at: some 20 ms of work. */
const conversationsPerRun = 500;

/**
 * Stretches of messages of one sender that are remembered for counting what is unread. Whoever has more of them unread in
 * a conversation and reads a part gets a smaller number.
 */
const rememberedRuns = 10_000;

/** After this long a sender does not ask again whether a message was accepted, in milliseconds. */
const sentMemoryMs = 7 * 24 * 60 * 60 * 1000;

/** Gives up waiting for rows older than `before`; returns how many will be deleted. */
function expireRows({ tables }: Context, conversation: Conversation, before: number): number {
  const last = tables.log.lastBefore(conversation, before);
  if (last === undefined) return 0;
  const positions = conversation.members
    .map(({ account }) => ({ account, before: slowestOf(conversation, account) }));
  for (const seat of conversation.seats.values()) {
    if (seat.cursor >= last || seat.peer !== null) continue;
    seat.cursor = last;
    if (!seat.dead) seat.lost = last;
    seat.changed = true;
    if (seat.until !== null && seat.cursor >= seat.until) dropSeat(conversation, seat);
  }
  for (const position of positions) settleWaiting(tables, conversation, position);
  tables.conversations.save(conversation);
  return Math.max(0, horizon(conversation) - conversation.trimmed);
}

/** The time by which rows are deleted: the clock's, unless it has jumped ahead. */
function trustedNow({ tables, now, uptime, sweep }: Context): number {
  const ranMs = sweep.ranAt === undefined ? 0 : uptime - sweep.ranAt;
  const trust = trustClock(tables.clock.get(), { now, ranMs });
  tables.clock.set(trust);
  sweep.ranAt = uptime;
  return trust.at;
}

function sweepConversations(context: Context, now: number): number {
  const { tables, sweep } = context;
  const keys = tables.conversations.keys(sweep.after, conversationsPerRun);
  sweep.after = keys.length < conversationsPerRun ? 0 : keys.at(-1) ?? 0;
  let deleted = 0;
  for (const key of keys) {
    const conversation = tables.conversations.byKey(key);
    deleted += expireRows(context, conversation, now - serverLimits.messageRetentionMs);
    tables.log.expireRuns(key, now - serverLimits.messageRetentionMs);
    tables.log.limitRuns(key, rememberedRuns);
    if (endMirror(context, conversation)) continue;
    for (const seat of conversation.seats.values()) {
      tables.log.expireSent(key, seat, now - sentMemoryMs);
    }
  }
  return deleted;
}

/** Deletes what is past its retention; to be run about once a minute. */
export const retentionRun: Handler<"retention.run"> = (context) => {
  const { tables } = context;
  const now = trustedNow(context);
  const waitedSince = now - serverLimits.messageRetentionMs;
  const rows = sweepConversations(context, now) + emptyMessages(context, now) +
    expireOutboxes(context, { now, waitedSince });
  const posts = cutLobby(tables, { now });
  const packages = tables.keyPackages.expire({
    claimedBefore: now - mlsLimits.claimReservationMs,
    storedBefore: now - mlsLimits.keyPackageLifetimeMs,
  });
  const notifications = tables.notifications.expire(now - serverLimits.messageRetentionMs);
  tables.repairs.expire(now - mlsLimits.refusalWindowMs);
  tables.attempts.expire(now - failureMemoryMs);
  askAgain(context);
  const files = expireFiles(context, now);
  return { deleted: rows + posts + packages + notifications + files };
};

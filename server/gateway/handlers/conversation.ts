/**
 * Conversations and their messages. Handlers that append call the storage side before they first wait: what one
 * connection sends reaches the log in the order in which it was sent.
 */
import type { ConversationRow } from "../../operations/contract.ts";
import { fitting, thinned } from "../fitting.ts";
import { checkCommit } from "../../requests/clear_header.ts";
import { commitParts } from "../../requests/commit_parts.ts";
import { carryOrHandOn } from "../hand_on.ts";
import type { RequestHandlers } from "../handler_types.ts";
import { sendRow } from "../push.ts";
import type { Session } from "../session.ts";
import { refused } from "../../requests/answer.ts";

/** Rows of one answer, as many as its schema allows. */
const conversationsAtOnce = 50;
/** Bytes of rows in front of one answer: half of what may wait for a reader. */
const fetchBytes = 2 * 1024 * 1024;

/** Names of the servers of these conversations to which there is no link just now. */
async function serversAway(
  { services: { peers } }: Session,
  rows: readonly Pick<ConversationRow, "hub">[],
): Promise<ReadonlySet<string>> {
  if (rows.every(({ hub }) => hub === undefined)) return new Set();
  const linked = (await peers.servers()).filter(({ linked }) => linked).map(({ name }) => name);
  const hubs = rows.flatMap(({ hub }) => hub ?? []);
  return new Set(hubs.filter((hub) => !linked.includes(hub)));
}

/** Handlers of `conversation.*` and `message.*`. */
export const conversationHandlers: RequestHandlers<
  | "conversation.stage"
  | "conversation.create"
  | "conversation.list"
  | "conversation.commit"
  | "conversation.info"
  | "message.send"
  | "message.fetch"
  | "message.read"
> = {
  "conversation.stage": (session, arrived) => carryOrHandOn(session, "conversation.stage", arrived),

  "conversation.create": async (session, { message, body }) => {
    const { actor } = session.ready;
    const { conversation, kind, hash, roster } = message;
    const { device, services: { staged } } = session;
    const parts = commitParts(staged.take({ device, hash }, body), message.parts);
    if (parts === undefined) return refused("malformed");
    const others = roster.filter(({ device }) => device !== actor.device);
    const declared = { conversation, epoch: 0, hash, external: false, add: others, remove: [] };
    const verdict = checkCommit({ device: actor.device, ...declared, ...parts });
    if (!verdict.ok) return verdict;
    const { membership } = verdict;
    const other = kind === "direct" ? message.with : undefined;
    const said = { ...actor, conversation, hash, kind, with: other, roster };
    const input = { ...said, membership, ...parts };
    const done = await session.services.storage.call("conversation.create", input);
    return done.ok ? { ok: true, fields: { seq: done.seq, epoch: done.epoch, ts: done.ts } } : done;
  },

  "conversation.commit": (session, arrived) =>
    carryOrHandOn(session, "conversation.commit", arrived),

  "conversation.list": async (session, { message }) => {
    const found = await session.services.storage.call("conversation.list", {
      ...session.ready.actor,
      after: message.after,
      limit: conversationsAtOnce,
    });
    // A partner may have revoked many devices, each of which stands in the row until somebody removes it.
    const away = await serversAway(session, found.conversations);
    const known = found.conversations.map((row) =>
      row.hub !== undefined && away.has(row.hub) ? { ...row, hubAway: true as const } : row
    );
    const { rows, more } = fitting({ rows: known.map(thinned), more: found.more });
    return { ok: true, fields: { conversations: rows, more } };
  },

  "conversation.info": (session, arrived) => carryOrHandOn(session, "conversation.info", arrived),

  "message.send": async (session, arrived) => {
    const answer = await carryOrHandOn(session, "message.send", arrived);
    const { phase } = session;
    if (answer.ok && phase.kind === "ready") {
      phase.push.sent(arrived.message.conversation, answer.fields.seq);
    }
    return answer;
  },

  "message.fetch": async (session, { message }) => {
    const { conversation, after, limit } = message;
    const input = { ...session.ready.actor, conversation, after, limit, maxBytes: fetchBytes };
    const found = await session.services.storage.call("log.read", input);
    if (!found.ok) return found;
    for (const row of found.rows) sendRow(session.connection, row);
    session.services.counters.delivered += found.rows.length;
    return { ok: true, fields: { events: found.rows.length, more: found.more } };
  },

  "message.read": async (session, { message }) => {
    const { conversation, seq } = message;
    const input = { ...session.ready.actor, conversation, seq };
    const done = await session.services.storage.call("message.read", input);
    return done.ok ? { ok: true, fields: { unread: done.unread } } : done;
  },
};

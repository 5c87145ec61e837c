/**
 * Conversations and their messages. Handlers that append call the storage side before they first wait: what one
 * connection sends reaches the log in the order in which it was sent.
 */
import { reach } from "../../../lib/base/crashpoint.ts";
import type { ConversationRow } from "../../operations/contract.ts";
import { checkCommit, isMessageOf } from "../clear_header.ts";
import { commitParts } from "../commit_parts.ts";
import { fitting, thinned } from "../fitting.ts";
import type { RequestHandlers } from "../handler_types.ts";
import { sendRow } from "../push.ts";
import { refused, type Session } from "../session.ts";

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
  "conversation.stage": (session, { message: { hash, offset }, body }) => {
    const { device, services } = session;
    const taken = services.staged.add({ device, hash }, { offset, bytes: body });
    return Promise.resolve(
      taken.ok ? { ok: true, fields: { staged: taken.staged } } : refused(taken.code),
    );
  },

  "conversation.create": async (session, { message, body }) => {
    const { actor } = session.ready;
    const { conversation, kind, hash, roster } = message;
    const parts = commitParts(session, { message, body });
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

  "conversation.commit": async (session, { message, body }) => {
    const { conversation, epoch, hash, external, add, remove } = message;
    const parts = commitParts(session, { message, body });
    if (parts === undefined) return refused("malformed");
    const declared = { conversation, epoch, hash, external, add, remove, ...parts };
    const own = { ...session.ready.actor, ...declared };
    const verdict = checkCommit(own);
    if (!verdict.ok) return verdict;
    const input = { ...own, incarnation: message.incarnation ?? 0, membership: verdict.membership };
    const done = await session.services.storage.call("conversation.commit", input);
    return done.ok ? { ok: true, fields: { seq: done.seq, epoch: done.epoch, ts: done.ts } } : done;
  },

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

  "conversation.info": async (session, { message }) => {
    const { conversation } = message;
    const input = { ...session.ready.actor, conversation };
    const found = await session.services.storage.call("conversation.info", input);
    if (!found.ok) return found;
    const { ok: _, groupInfo, ...fields } = found;
    return { ok: true, fields, body: [groupInfo] };
  },

  "message.send": async (session, { message, body }) => {
    const { account, device } = session.ready.actor;
    const { conversation, epoch } = message;
    if (!isMessageOf(body, message)) return refused("malformed");
    const { message: id, incarnation = 0, quiet = false, keepDays, generation } = message;
    const days = keepDays === undefined ? {} : { keepDays };
    const key = generation === undefined ? {} : { generation };
    const sent = {
      conversation,
      message: id,
      incarnation,
      epoch,
      bytes: body,
      quiet,
      ...days,
      ...key,
    };
    const input = { account, device, ...sent };
    reach("server:received");
    const done = await session.services.storage.call("message.send", input);
    if (!done.ok) return done;
    if (session.phase.kind === "ready") session.phase.push.sent(conversation, done.seq);
    return { ok: true, fields: { seq: done.seq, ts: done.ts } };
  },

  "message.fetch": async (session, { message }) => {
    const { conversation, after, limit } = message;
    const input = { ...session.ready.actor, conversation, after, limit, maxBytes: fetchBytes };
    const found = await session.services.storage.call("log.read", input);
    if (!found.ok) return found;
    for (const row of found.rows) sendRow(session.connection, row);
    return { ok: true, fields: { events: found.rows.length, more: found.more } };
  },

  "message.read": async (session, { message }) => {
    const { conversation, seq } = message;
    const input = { ...session.ready.actor, conversation, seq };
    const done = await session.services.storage.call("message.read", input);
    return done.ok ? { ok: true, fields: { unread: done.unread } } : done;
  },
};

/** Belonging to conversations: leaving, answering requests, blocking. */
import type { RequestHandlers } from "../handler_types.ts";
import { fitting } from "../fitting.ts";
import { carryOrHandOn } from "../hand_on.ts";

/** Rows of one answer, as many as its schema allows. */
const blocksAtOnce = 200;

/** Handlers of `conversation.leave`, `conversation.answer` and `account.block*`. */
export const groupHandlers: RequestHandlers<
  | "conversation.leave"
  | "conversation.answer"
  | "account.block"
  | "account.unblock"
  | "account.blocks"
  | "server.block"
  | "server.unblock"
> = {
  "conversation.leave": (session, arrived) => carryOrHandOn(session, "conversation.leave", arrived),

  "conversation.answer": async (session, { message: { conversation, answer } }) => {
    const input = { ...session.ready.actor, conversation, answer };
    const done = await session.services.storage.call("conversation.answer", input);
    return done.ok ? { ok: true, fields: {} } : done;
  },

  "account.block": async (session, { message }) => {
    const input = { ...session.ready.actor, other: message.account };
    const done = await session.services.storage.call("account.block", input);
    return done.ok ? { ok: true, fields: {} } : done;
  },

  "account.unblock": async (session, { message }) => {
    const input = { ...session.ready.actor, other: message.account };
    const done = await session.services.storage.call("account.unblock", input);
    return done.ok ? { ok: true, fields: {} } : done;
  },

  "account.blocks": async (session, { message }) => {
    const input = { ...session.ready.actor, after: message.after, limit: blocksAtOnce };
    const found = await session.services.storage.call("account.blocks", input);
    const { rows: blocked, more } = fitting({ rows: found.blocked, more: found.more });
    const { servers } = found;
    return { ok: true, fields: { blocked, ...(servers.length > 0 ? { servers } : {}), more } };
  },

  "server.block": async (session, { message: { server } }) => {
    const input = { ...session.ready.actor, server };
    const done = await session.services.storage.call("server.block", input);
    return done.ok ? { ok: true, fields: {} } : done;
  },

  "server.unblock": async (session, { message: { server } }) => {
    const input = { ...session.ready.actor, server };
    const done = await session.services.storage.call("server.unblock", input);
    return done.ok ? { ok: true, fields: {} } : done;
  },
};

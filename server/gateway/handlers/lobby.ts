/** The lobby and notifications. */
import { fromBase64url } from "../../../lib/base/bytes.ts";
import { frameLimits, textLimits } from "../../../lib/base/limits.ts";
import { utf8 } from "../../../lib/base/bytes.ts";
import { verifyLobbyPost } from "../../../lib/crypto/lobby_post.ts";
import { VerifyingKey } from "../../../lib/crypto/sign.ts";
import { fitting } from "../fitting.ts";
import type { RequestHandlers } from "../handler_types.ts";
import { refused } from "../../requests/answer.ts";

/** Rows of one answer, as many as its schema allows. */
const notificationsAtOnce = 100;

/** Bytes of a post's text within a frame's JSON, where escapes make it longer: leaves room for everything else. */
const textBytesInJson = frameLimits.headerBytes - 2048;

/** Whether the text is short enough, also in the frame that carries it on to others. */
function fits(text: string): boolean {
  return utf8(text).length <= textLimits.lobbyTextBytes &&
    utf8(JSON.stringify(text)).length <= textBytesInJson;
}

/** Handlers of `lobby.*` and `notification.*`. */
export const lobbyHandlers: RequestHandlers<
  "lobby.post" | "lobby.fetch" | "notification.list" | "notification.seen"
> = {
  "lobby.post": async (session, { message }) => {
    const { post, text, sentAt, signature } = message;
    if (!fits(text)) return refused("too_large");
    // Escaped for JSON a text can grow sixfold; as an event it must fit a frame, or nobody could ever fetch it.
    if (utf8(JSON.stringify(text)).length > frameLimits.headerBytes / 2) {
      return refused("too_large");
    }
    const key = new VerifyingKey(fromBase64url(session.device));
    if (!verifyLobbyPost(key, fromBase64url(signature), { post, sentAt, text })) {
      return refused("tampered");
    }
    const input = { ...session.ready.actor, post, text, sentAt, signature };
    const done = await session.services.storage.call("lobby.post", input);
    return done.ok ? { ok: true, fields: { seq: done.seq, ts: done.ts } } : done;
  },

  "lobby.fetch": async (session, { message }) => {
    const { after, limit } = message;
    const found = await session.services.storage.call("lobby.read", { after, limit });
    for (const post of found.posts) session.connection.send({ type: "lobby", ...post });
    return { ok: true, fields: { head: found.head, more: found.more } };
  },

  "notification.list": async (session, { message }) => {
    const found = await session.services.storage.call("notification.list", {
      ...session.ready.actor,
      unseen: message.unseen,
      after: message.after ?? 0,
      limit: notificationsAtOnce,
    });
    const { rows: notifications, more } = fitting({ rows: found.notifications, more: found.more });
    return { ok: true, fields: { notifications, more } };
  },

  "notification.seen": async (session, { message }) => {
    const { through } = message;
    const input = { ...session.ready.actor, through };
    await session.services.storage.call("notification.seen", input);
    return { ok: true, fields: {} };
  },
};

/** The lobby: signed posts for everybody. */
import { utf8 } from "../../lib/base/bytes.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import type { NewPost, Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { actingParty, type Context, type Handler, refuse } from "./context.ts";
import type { PostRow } from "./contract.ts";

function postRow(tables: Tables, post: NewPost & { readonly seq: number }): PostRow {
  const { account, name } = tables.accounts.byKey(post.account);
  const { seq, post: id, device, text, sentAt, ts, signature } = post;
  return { seq, post: id, account, name, device, text, sentAt, ts, signature };
}

const allowance = { most: serverLimits.lobbyBytesPerMinute, windowMs: 60 * 1000 };

/** Milliseconds until the account may post again; 0 counts this post. */
function countPost(context: Context, subject: string, text: string): number {
  const cost = serverLimits.lobbyPostBytes + utf8(text).length;
  return spend(context, { kind: "lobby", subject, cost, allowance });
}

/** Stores a post, once, and gives it to everybody who is there. */
export const lobbyPost: Handler<"lobby.post"> = (context, input) => {
  const { tables, now } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const before = tables.lobby.find(input.device, input.post);
  if (before !== undefined) return { ok: true, seq: before.seq, ts: before.ts };
  const retryAfterMs = countPost(context, party.account.account, input.text);
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  const post = { ...input, account: party.account.key, ts: now };
  const seq = tables.lobby.add(post);
  context.nudge({ kind: "lobby", post: postRow(tables, { ...post, seq }) });
  // Only by number: a clock that is wrong must not make the first post delete all others.
  cutLobby(tables, {});
  return { ok: true, seq, ts: now };
};

/** Deletes what is beyond the lobby's bounds, too old only where `now` is given; returns how many posts that were. */
export function cutLobby(
  tables: Tables,
  { now }: { readonly now?: number },
): number {
  return tables.lobby.cut({
    through: tables.lobby.head() - serverLimits.lobbyRetentionCount,
    before: now === undefined ? 0 : now - serverLimits.lobbyRetentionMs,
  });
}

/** Posts after a sequence. */
export const lobbyRead: Handler<"lobby.read"> = ({ tables }, { after, limit }) => {
  const posts = tables.lobby.read(after, limit + 1);
  return {
    posts: posts.slice(0, limit).map((post) => postRow(tables, post)),
    head: tables.lobby.head(),
    more: posts.length > limit,
  };
};

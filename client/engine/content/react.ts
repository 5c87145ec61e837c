/** Reactions as they are kept: with the message that they are to, and gone with it. */
import { contentLimits } from "../../../lib/base/limits.ts";
import type { Reaction } from "../../store/messages.ts";
import { about } from "./about.ts";
import type { ContentHandler } from "./facts.ts";
import type { ReactionBody } from "./reaction.ts";

/** Gives a message a reaction, or takes it away. */
export const applyReaction: ContentHandler<ReactionBody> = (core, facts) =>
  about(core, { kind: "reaction", facts }, (message) => {
    if (message.content.deleted || core.blocked.has(facts.from.account, facts.from.name)) return [];
    const { from: { account, name }, body } = facts;
    const before = message.content.reactions ?? [];
    const after = changed(before, { account, name, emoji: body.emoji }, body.remove);
    if (after !== before) {
      core.messages.change(message, { ...message.content, reactions: after });
    }
    return [];
  });

/** The reactions after one was given or taken back; the same list when nothing changes. */
export function changed(
  before: readonly Reaction[],
  reaction: Reaction,
  remove: boolean,
): readonly Reaction[] {
  const isSame = (one: Reaction) =>
    one.account === reaction.account && one.emoji === reaction.emoji;
  const has = before.some(isSame);
  if (remove) return has ? before.filter((one) => !isSame(one)) : before;
  const own = before.filter(({ account }) => account === reaction.account).length;
  const full = own >= contentLimits.reactionsPerAccount ||
    before.length >= contentLimits.reactionsPerMessage;
  return has || full ? before : [...before, reaction];
}

/** Making the MLS group of a conversation anew, when nobody can enter the one that it has. */
import { mlsLimits } from "../../lib/base/limits.ts";
import {
  type Conversation,
  dropSeat,
  isInRoster,
  listedMember,
  type Member,
  type Seat,
  takesPart,
  waitsHere,
} from "../domain/conversation.ts";
import { type KnownDevice, resolveEntries } from "../domain/roster.ts";
import { appendOwn, refuseIncarnation } from "../domain/sending.ts";
import { spend } from "./allowance.ts";
import { askingParty, type Context, type Handler, refuse } from "./context.ts";
import type { Refused } from "./contract.ts";
import { type Founding, refuseCommitQuota, takeSeatAgain } from "./commits.ts";
import { finder, findListed, knownDevice, roleEntries, rosterEntries } from "./parties.ts";
import { finishCommit, verdictBefore } from "./write_commit.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** Who may: either side of a direct conversation, owners and admins of a group; nobody who leaves or has declined. */
export function mayRecreate(conversation: Conversation, member: Member): boolean {
  return takesPart(member) && (conversation.kind === "direct" || member.role !== "member");
}

/** The devices of a new group, when they are those of listed accounts, the creator's among them. */
function checkRoster(
  conversation: Conversation,
  roster: readonly KnownDevice[] | undefined,
  { creator, welcome }: { readonly creator: string; readonly welcome: number },
): Refused | undefined {
  const fits = roster !== undefined && roster.length <= mlsLimits.groupDevices &&
    roster.some(({ key }) => key === creator) && (welcome > 0) === (roster.length > 1) &&
    roster.every(({ account }) => {
      const member = listedMember(conversation, account);
      return member !== undefined && member.state !== "left";
    });
  return fits ? undefined : refuse("roster_mismatch");
}

/** Gives the conversation a new group. Of two who do so at once the first wins; the same again gets the same answer. */
export const conversationRecreate: Handler<"conversation.recreate"> = (context, input) => {
  const { tables } = context;
  const party = askingParty(tables, input);
  if (!party.ok) return party;
  const found = findListed(tables, party, input.conversation);
  if (!found.ok) return found;
  const { conversation } = found;
  const commit = { epoch: 0, hash: input.hash, device: party.device.key };
  const before = verdictBefore(tables, conversation, commit);
  if (before !== undefined) {
    return before.ok ? { ...before, incarnation: input.incarnation + 1 } : before;
  }
  const roster = resolveEntries(input.roster, finder(tables));
  const member = listedMember(conversation, party.account.key);
  const allowed = member !== undefined && mayRecreate(conversation, member);
  const refused = (allowed ? undefined : refuse("not_allowed")) ??
    refuseIncarnation(conversation, input.incarnation) ??
    checkRoster(conversation, roster, {
      creator: party.device.device,
      welcome: input.welcome.length,
    }) ?? refuseCommitQuota(tables, conversation, { input, sender: party.account.key }) ??
    refuseTooMany(context, conversation);
  if (refused !== undefined) return refused;
  return beginAgain(context, { party, conversation, input, roster: roster ?? [] });
};

function refuseTooMany(context: Context, conversation: Conversation): Refused | undefined {
  const allowance = { most: mlsLimits.recreationsPerDay, windowMs: dayMs };
  const retryAfterMs = spend(context, { kind: "recreate", subject: conversation.id, allowance });
  return retryAfterMs > 0 ? refuse("rate_limited", { retryAfterMs }) : undefined;
}

/** Begins the group anew with the next incarnation. */
export function beginAgain(context: Context, made: Founding) {
  const { tables, now } = context;
  const { party, conversation, input } = made;
  const { key } = conversation;
  const own = party.device.device;
  const seq = conversation.head + 1;
  const add = made.roster.filter((device) => device.key !== own);
  leaveAll(context, conversation, { seq, stay: new Set(made.roster.map((each) => each.key)) });
  for (const device of add) sitDown(context, conversation, { device, seq });
  const seat = sitDown(context, conversation, { device: knownDevice(party.device), seq });
  appendOwn(conversation, seat);
  conversation.epoch = 0;
  conversation.newest = 0;
  conversation.incarnation += 1;
  tables.conversations.dropVerdicts(key, 0);
  tables.repairs.clear(key);
  const { incarnation } = conversation;
  const facts = { hash: input.hash, external: false, welcome: input.welcome, incarnation };
  tables.log.addCommit(key, {
    seq,
    device: party.device.key,
    ts: now,
    epoch: 0,
    bytes: input.commit,
    ...facts,
    add: add.map((each) => ({ account: each.accountId, device: each.key })),
    remove: [],
    roster: rosterEntries(tables, conversation),
    members: roleEntries(tables, conversation),
    recreated: true,
  });
  const verdict = { hash: input.hash, epoch: 0, seq, ts: now, device: party.device.key };
  tables.conversations.addVerdict(key, verdict);
  tables.conversations.setGroupInfo(key, input.groupInfo);
  for (const each of add) tables.keyPackages.consume(each.device, conversation.id);
  const done = finishCommit(context, {
    party,
    conversation,
    seat,
    seq,
    input,
    external: false,
    founds: true,
    add,
    remove: [],
  });
  return done.ok ? { ...done, incarnation } : done;
}

/** Row `seq` is the last for those who are not in the new group; nobody's removal waits any more. */
function leaveAll(
  { tables }: Context,
  conversation: Conversation,
  { seq, stay }: { readonly seq: number; readonly stay: ReadonlySet<string> },
): void {
  for (const [key, seat] of [...conversation.seats]) {
    if (conversation.removals.delete(key)) {
      tables.conversations.unqueueRemoval(conversation.key, seat.device);
    }
    if (stay.has(key) || !isInRoster(seat)) continue;
    if (!waitsHere(seat)) dropSeat(conversation, seat);
    seat.until = seq;
    seat.changed = true;
  }
}

/** What the device had not got of the old group it still gets, before the welcome to the new one. */
function sitDown(
  context: Context,
  conversation: Conversation,
  { device, seq }: { readonly device: KnownDevice; readonly seq: number },
): Seat {
  const before = conversation.seats.get(device.key);
  const cursor = isInRoster(before) ? before.cursor : seq - 1;
  return takeSeatAgain(context, conversation, { device, position: { joined: seq, cursor } });
}

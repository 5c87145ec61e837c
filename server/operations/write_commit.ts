/** Writing an accepted commit and all that belongs to it. */
import type { Conversation, Seat } from "../domain/conversation.ts";
import type { KnownDevice } from "../domain/roster.ts";
import { noteUsed, waitsFor } from "../domain/sending.ts";
import type { Tables } from "../tables/tables.ts";
import type { Context, Party } from "./context.ts";
import type { Input, Outcome } from "./contract.ts";
import { forwardCommit } from "./followers.ts";
import { roleEntries, rosterEntries } from "./parties.ts";
import { addWaiting, continueRun, tellRow } from "./rows.ts";

/** Verdicts on this many epochs are remembered; whoever asks later than that has missed far more. */
const rememberedEpochs = 256;

/** The answer to a commit. */
export type Appended = Outcome<{ seq: number; epoch: number; ts: number }>;

/** The answer to a commit that was accepted before, when this is that very commit of that very device. */
export function verdictBefore(
  tables: Tables,
  conversation: Conversation,
  commit: { readonly epoch: number; readonly hash: string; readonly device: number },
): Appended | undefined {
  const verdict = tables.conversations.verdict(conversation.key, commit.epoch);
  if (verdict === undefined || verdict.hash !== commit.hash || verdict.device !== commit.device) {
    return undefined;
  }
  return { ok: true, seq: verdict.seq, epoch: verdict.epoch + 1, ts: verdict.ts };
}

/** A commit and what belongs to it. */
export type CommitBytes = Pick<
  Input<"conversation.commit">,
  "hash" | "commit" | "welcome" | "groupInfo" | "membership"
>;

/** A commit that passed every check. The seats are those of the group after it. */
export interface Accepted {
  readonly party: Party;
  readonly conversation: Conversation;
  readonly seat: Seat;
  readonly seq: number;
  readonly input: CommitBytes;
  readonly external: boolean;
  /** It begins a group. */
  readonly founds: boolean;
  readonly add: readonly KnownDevice[];
  readonly remove: readonly string[];
}

/** Writes the row of a commit and what belongs to it; the head is its sequence already. */
export function writeCommit(context: Context, accepted: Accepted): Appended {
  const { tables, now } = context;
  const { conversation, party, seq, input, external, add, remove } = accepted;
  const epoch = conversation.epoch;
  const device = party.device.key;
  const entries = add.map((each) => ({ account: each.accountId, device: each.key }));
  tables.log.addCommit(conversation.key, {
    seq,
    device,
    ts: now,
    epoch,
    bytes: input.commit,
    hash: input.hash,
    external,
    add: entries,
    remove: [...remove],
    roster: add.length > 0 ? rosterEntries(tables, conversation) : [],
    members: add.length > 0 ? roleEntries(tables, conversation) : [],
    welcome: input.welcome,
    incarnation: conversation.incarnation,
    recreated: false,
  });
  const verdict = { hash: input.hash, epoch, seq, ts: now, device };
  tables.conversations.addVerdict(conversation.key, verdict);
  tables.conversations.cutVerdicts(conversation.key, epoch - rememberedEpochs);
  tables.conversations.setGroupInfo(conversation.key, input.groupInfo);
  for (const each of add) tables.keyPackages.consume(each.device, conversation.id);
  return finishCommit(context, accepted);
}

/** Counts the row of a commit, leads to the next epoch and tells those who are online. */
export function finishCommit(context: Context, accepted: Accepted): Appended {
  const { tables, now } = context;
  const { conversation, party, seat, seq, input } = accepted;
  const size = input.commit.length + input.welcome.length;
  const accounts = waitsFor(conversation, seat);
  for (const { until, account } of conversation.seats.values()) {
    if (until === seq) accounts.add(account);
  }
  addWaiting(tables, conversation, { accounts, size, sender: party.account.key });
  continueRun(context, conversation, 0);
  conversation.lastCommit = seq;
  conversation.epoch += 1;
  noteUsed(conversation, seat, { epoch: conversation.epoch, generations: 0 });
  tables.conversations.save(conversation);
  tellRow(context, conversation, { by: party.device.device });
  const { external, founds, add, remove } = accepted;
  const { hash, membership, commit, welcome } = input;
  forwardCommit(context, conversation, {
    seq,
    ts: now,
    epoch: conversation.epoch - 1,
    device: party.device.device,
    hash,
    external,
    founds,
    add: add.map(({ key }) => key),
    remove,
    membership,
    commit,
    welcome,
  });
  return { ok: true, seq, epoch: conversation.epoch, ts: now };
}

/** The archive of an account: sealed batches in a row, of which the last one decides who may write next. */
import { archiveLimits } from "../../lib/base/limits.ts";
import type { ArchiveHead } from "../tables/archive.ts";
import type { Account, Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { actingParty, type Context, type Handler, refuse } from "./context.ts";
import type { ArchiveBatch, Refused } from "./contract.ts";
import { liveDevices } from "./presence.ts";

const allowance = { most: archiveLimits.bytesPerMinute, windowMs: 60 * 1000 };

const most = archiveLimits.bytesPerAccount;

const answerOf = ({ position, revision, bytes }: ArchiveHead) =>
  ({ ok: true, position, revision, bytes, most }) as const;

/** The last batch of the account's archive. */
export const archiveHead: Handler<"archive.head"> = ({ tables }, actor) => {
  const party = actingParty(tables, actor);
  return party.ok ? answerOf(tables.archive.head(party.account.key)) : party;
};

/** Of the batches that are asked for those that there are, as many as fit; at least one, if there is one. */
export const archiveRead: Handler<"archive.read"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const batches: ArchiveBatch[] = [];
  let size = 0;
  for (const position of input.positions) {
    const length = tables.archive.sizeOf(party.account.key, position);
    if (length === undefined) continue;
    if (batches.length > 0 && size + length > input.maxBytes) break;
    size += length;
    const batch = tables.archive.read(party.account.key, position);
    if (batch !== undefined) batches.push(batch);
  }
  return { ok: true, batches };
};

/**
 * Whether each batch is the next revision of one that is there, or the next after the last; the last of them is the new
 * end of the archive, so that of two devices which write at once one is refused.
 */
function refuseOrder(
  tables: Tables,
  account: number,
  batches: readonly ArchiveBatch[],
): Refused | undefined {
  const head = tables.archive.head(account).position;
  let end = head;
  let before = 0;
  for (const { position, revision } of batches) {
    if (position <= before) return refuse("malformed");
    before = position;
    const known = position <= head ? tables.archive.revisionOf(account, position) : 0;
    if (position > end + 1 || revision !== (known ?? 0) + 1) return refuse("archive_conflict");
    end = Math.max(end, position);
  }
  return before === end ? undefined : refuse("archive_conflict");
}

/** Bytes by which the archive grows with these batches; fewer than none when it shrinks. */
function growth(tables: Tables, account: number, batches: readonly ArchiveBatch[]): number {
  return batches.reduce(
    (sum, { position, bytes }) =>
      sum + bytes.length - (tables.archive.sizeOf(account, position) ?? 0),
    0,
  );
}

/** Stores batches, all or none. */
export const archiveWrite: Handler<"archive.write"> = (context, input) => {
  const { tables } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const { account } = party;
  const { batches } = input;
  const refused = refuseOrder(tables, account.key, batches);
  if (refused !== undefined) return refused;
  const grown = growth(tables, account.key, batches);
  const { bytes } = tables.archive.head(account.key);
  // What shrinks, or takes a message out, must be possible in a full archive.
  if (grown > 0 && bytes + grown > most) return refuse("quota_exceeded");
  const cost = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
  const counted = { kind: "archive", subject: account.account, cost, allowance } as const;
  const retryAfterMs = spend(context, counted);
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  for (const batch of batches) tables.archive.put(account.key, { ...batch, at: context.now });
  return tellHead(context, { account, by: input.device });
};

function tellHead(
  context: Context,
  { account, by }: { readonly account: Account; readonly by: string },
) {
  const { tables } = context;
  const head = tables.archive.head(account.key);
  const devices = liveDevices(tables, account.key, by);
  const { position, revision } = head;
  if (devices.length > 0) context.nudge({ kind: "archive", devices, position, revision });
  return answerOf(head);
}

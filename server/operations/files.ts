/** Files: who may put one where, who may fetch it, and when it goes. Their bytes are moved elsewhere. */
import { fileLimits } from "../../lib/base/limits.ts";
import { encryptedSize, fileTagBytes } from "../../lib/crypto/file_cipher.ts";
import { type Conversation, memberOf, takesPart } from "../domain/conversation.ts";
import type { StoredFile } from "../tables/tables.ts";
import { actingParty, askingParty, type Context, type Handler, refuse } from "./context.ts";
import type { Input, Refused } from "./contract.ts";

/** Expired files that one run deletes, of each kind. */
const filesPerRun = 100;

/** An own upload that has not moved for this long makes room for a new one where that is short, in milliseconds. */
const staleMs = 10 * 60 * 1000;

/** The limits, as this account sees them. */
export const fileLimitsOf: Handler<"file.limits"> = ({ tables, settings }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const { maxBytes, bytesPerAccount: quota, keepMs, types } = settings.files;
  const used = counted(tables.files.use(party.account.key));
  return { ok: true, maxBytes, quota, used, keepMs, types: [...types] };
};

/** What files count towards the quota: each takes more room than its bytes. */
function counted({ files, bytes }: { readonly files: number; readonly bytes: number }): number {
  return bytes + files * fileLimits.overheadBytes;
}

/** Takes a new upload on, or tells how far an earlier one is. */
export const fileBegin: Handler<"file.begin"> = (context, input) => {
  const { tables, now } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const account = party.account.key;
  const conversation = tables.conversations.byId(input.conversation);
  const known = tables.files.byId(input.file);
  if (known !== undefined) {
    const same = known.account === account && known.size === input.size &&
      known.conversation === conversation?.key;
    if (!same) return refuse("not_found");
    return { ok: true, synced: known.synced, complete: known.expiresAt !== null };
  }
  if (conversation === undefined || !isIn(conversation, account)) {
    return refuse("no_such_conversation");
  }
  const { file, size } = input;
  const room = planRoom(context, account, size);
  if (!room.ok) return room;
  for (const stale of room.stale) drop(context, stale);
  tables.files.add({ file, conversation: conversation.key, account, size, touchedAt: now });
  return { ok: true, synced: 0, complete: false };
};

/** Whether the account takes part in the conversation now: not when it was removed, has left or declined. */
function isIn(conversation: Conversation, account: number): boolean {
  const member = memberOf(conversation, account);
  return member !== undefined && takesPart(member);
}

/** What of the own uploads has to go so that a new one has room; or why it has none even so. */
function planRoom(
  { tables: { files }, settings, now }: Context,
  account: number,
  size: number,
): Refused | { readonly ok: true; readonly stale: readonly StoredFile[] } {
  const { maxBytes, bytesPerAccount, bytesInAll } = settings.files;
  if (size < fileTagBytes || size > encryptedSize(maxBytes)) return refuse("too_large");
  const begun = files.begun(account);
  const stale = begun.filter(({ touchedAt }) => touchedAt <= now - staleMs);
  const use = files.use(account);
  const fits = (dropped: readonly StoredFile[]) => {
    const gone = { files: dropped.length, bytes: sumOf(dropped) };
    const left = { files: use.files - gone.files + 1, bytes: use.bytes - gone.bytes + size };
    return left.files <= fileLimits.filesPerAccount && counted(left) <= bytesPerAccount &&
      begun.length - gone.files < fileLimits.begunPerAccount;
  };
  const need = stale.findIndex((_, at) => fits(stale.slice(0, at)));
  const dropped = need < 0 ? stale : stale.slice(0, need);
  if (!fits(dropped)) return refuse("quota_exceeded");
  if (files.total() - sumOf(dropped) + size > bytesInAll) return refuse("storage_full");
  return { ok: true, stale: dropped };
}

function sumOf(files: readonly StoredFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** Deletes the row; the bytes follow once that is committed. */
function drop({ tables, nudge }: Context, { key, file }: StoredFile): void {
  tables.files.remove(key);
  nudge({ kind: "discard", file });
}

/** Notes how much of an upload is on disk for good. */
export const fileProgress: Handler<"file.progress"> = ({ tables, now }, { file, synced }) => {
  const known = tables.files.byId(file);
  if (known !== undefined) tables.files.progress(known.key, { synced, at: now });
  return {};
};

/** The upload is complete, and its bytes are on disk. */
export const fileFinish: Handler<"file.finish"> = ({ tables, now, settings }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const known = tables.files.byId(input.file);
  if (known === undefined || known.account !== party.account.key) return refuse("not_found");
  if (known.expiresAt !== null) return { ok: true, expiresAt: known.expiresAt };
  if (!input.sealed) return refuse("not_found");
  const expiresAt = now + settings.files.keepMs;
  const members = tables.conversations.byKey(known.conversation).members
    .filter(takesPart).map(({ account }) => account);
  const others = members.filter((account) => account !== known.account);
  // Notes to oneself wait for one's own other devices.
  const receivers = others.length > 0 ? others : [known.account];
  tables.files.finish(known.key, { expiresAt, receivers });
  return { ok: true, expiresAt };
};

/** The finished file, when the account may have it. */
function accessible(
  { tables }: Context,
  input: Input<"file.locate">,
): Refused | { readonly ok: true; readonly known: StoredFile; readonly account: number } {
  const party = askingParty(tables, input);
  if (!party.ok) return party;
  const account = party.account.key;
  const known = tables.files.byId(input.file);
  if (known === undefined || known.expiresAt === null) return refuse("not_found");
  const may = known.account === account || tables.files.isReceiver(known.key, account) ||
    isIn(tables.conversations.byKey(known.conversation), account);
  return may ? { ok: true, known, account } : refuse("not_found");
}

/** Another server has the file, and has to know for whom it is asked. */
export const fileAsk: Handler<"file.ask"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  return party.ok ? { ok: true, certificate: party.device.certificate } : party;
};

/** Where a file may be fetched. */
export const fileLocate: Handler<"file.locate"> = (context, input) => {
  const found = accessible(context, input);
  return found.ok ? { ok: true, size: found.known.size } : found;
};

/** An account has the file, or does not want it; when that is so of all, it goes. */
export const fileDone: Handler<"file.done"> = (context, input) => {
  const found = accessible(context, input);
  if (!found.ok) return found;
  const { waiting } = context.tables.files.done(found.known.key, found.account);
  if (!waiting) drop(context, found.known);
  return { ok: true };
};

/** Its uploader takes a file back. */
export const fileDelete: Handler<"file.delete"> = (context, input) => {
  const party = actingParty(context.tables, input);
  if (!party.ok) return party;
  const known = context.tables.files.byId(input.file);
  if (known === undefined || known.account !== party.account.key) return refuse("not_found");
  drop(context, known);
  return { ok: true };
};

/** The disk did not take an upload. */
export const fileAbandon: Handler<"file.abandon"> = (context, { file }) => {
  const known = context.tables.files.byId(file);
  if (known !== undefined && known.expiresAt === null) drop(context, known);
  return {};
};

/** Deletes what has expired and uploads that nobody goes on with; returns how many. */
export function expireFiles(context: Context, now: number): number {
  const idleBefore = now - fileLimits.begunMs;
  const past = context.tables.files.past({ now, idleBefore, limit: filesPerRun });
  for (const file of past) drop(context, file);
  return past.length;
}

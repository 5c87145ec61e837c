/** The directory: who is there, their keys with proofs, and the log behind both. */
import { toBase64url } from "../../lib/base/bytes.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import { consistencyProof, inclusionProof } from "../../lib/directory/tree.ts";
import type { Account, Tables } from "../tables/tables.ts";
import { type Handler, refuse } from "./context.ts";
import { logHead, nodeReader } from "./directory_log.ts";
import { userRow } from "./presence.ts";
import { peerName } from "./remote.ts";

/** As many certificates of one account as an answer carries. */
const listedCertificates = 64;

function onlineAccounts(tables: Tables, after: string | undefined, limit: number): Account[] {
  const from = after === undefined ? "" : canonicalName(after);
  return [...tables.sessions.online()]
    .map((key) => tables.accounts.byKey(key))
    .map((account) => ({ account, name: canonicalName(account.name) }))
    .filter(({ name }) => name > from)
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .slice(0, limit)
    .map(({ account }) => account);
}

/** Accounts in order of canonical name. */
export const directoryUsers: Handler<"directory.users"> = ({ tables }, { scope, after, limit }) => {
  const accounts = scope === "online"
    ? onlineAccounts(tables, after, limit + 1)
    : tables.accounts.list(after, limit + 1);
  const users = accounts.slice(0, limit).map((account) => userRow(tables, account));
  return { users, more: accounts.length > limit };
};

/** An account's keys, with the proof that its entry is in the log. */
export const directoryKeys: Handler<"directory.keys"> = ({ tables }, { name, account: id }) => {
  const account = id !== undefined
    ? tables.accounts.byId(id)
    : name !== undefined
    ? tables.accounts.byName(name)
    : undefined;
  if (account === undefined) return refuse("no_such_user");
  // By its id its keys stay known: members of a group still have to check what it did there.
  if (id === undefined && account.deletedAt !== null) return refuse("no_such_user");
  const devices = tables.devices.ofAccount(account.key).slice(-listedCertificates);
  const head = logHead(tables.directory);
  const path = inclusionProof(nodeReader(tables.directory), account.entry, head.size);
  return {
    ok: true,
    account: account.account,
    name: account.name,
    accountKey: account.accountKey,
    certificates: devices.map((device) => device.certificate),
    revocations: devices.flatMap(({ revocation }) => revocation === null ? [] : [revocation]),
    entry: tables.directory.entry(account.entry),
    index: account.entry,
    path: path.map(toBase64url),
    ...head,
  };
};

/** The linked server whose account it is, by its name here. */
export const directoryHome: Handler<"directory.home"> = ({ tables }, { account: id }) => {
  const peer = tables.accounts.anyById(id)?.peer ?? null;
  return peer === null ? {} : { server: peerName(tables, peer) };
};

/** Size and root of the log. */
export const directoryHead: Handler<"directory.head"> = ({ tables }) => logHead(tables.directory);

/** The proof that the log of `to` entries continues the one of `from`. */
export const directoryConsistency: Handler<"directory.consistency"> = ({ tables }, input) => {
  const { from, to } = input;
  if (from > to || to > tables.directory.size()) return refuse("not_found");
  const path = consistencyProof(nodeReader(tables.directory), from, to);
  return { ok: true, path: path.map(toBase64url) };
};

/** As many entries as an answer carries. */
const listedEntries = 64;

/** Entries of the log, exactly as hashed. */
export const directoryEntries: Handler<"directory.entries"> = ({ tables }, { from, limit }) => ({
  entries: tables.directory.entries(from, Math.min(limit, listedEntries)),
});

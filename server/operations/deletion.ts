/** Deleting an account for good, as the operator may: its name stays taken, and what others have stays theirs. */
import { type Conversation, listedMember, takesPart } from "../domain/conversation.ts";
import { stayingOthers } from "../domain/group.ts";
import type { Account } from "../tables/tables.ts";
import { type Context, type Handler, refuse } from "./context.ts";
import { appendEntry } from "./directory_log.ts";
import { forwardEnd, forwardStanding } from "./followers.ts";
import { answerHub } from "./hub.ts";
import { removeAll, stop } from "./leaving.ts";
import { tellRemovals } from "./membership.ts";
import { tellPresence } from "./presence.ts";

/** Rows that one step takes together. */
const page = 100;

/** Deletes an account of this server. Again for one that is deleted already: refused, as there is none any more. */
export const adminDelete: Handler<"admin.delete"> = (context, { name }) => {
  const { tables, now } = context;
  const account = tables.accounts.byName(name);
  if (account === undefined || account.deletedAt !== null) return refuse("no_such_user");
  endSessions(context, account);
  const done = { name: account.name, account: account.account, ...leaveAll(context, account) };
  const files = deleteFiles(context, account);
  for (const device of tables.devices.ofAccount(account.key)) {
    tables.keyPackages.removeDevice(device.key);
  }
  tables.archive.remove(account.key);
  tables.notifications.removeAll(account.key);
  tables.contacts.removeAll(account.key);
  tables.accounts.delete(account.key, now);
  appendEntry(tables.directory, { v: 1, type: "removal", accountId: account.account, at: now });
  return { ok: true, ...done, files };
};

/** They are told why; nothing that they have under way is done any more. */
function endSessions(context: Context, account: Account): void {
  const { sessions } = context.tables;
  for (const session of [...sessions.ofAccount(account.key)]) {
    sessions.remove(session);
    context.nudge({ kind: "deleted", device: session.device });
  }
  tellPresence(context, account);
}

/** Out of every group, in which the others then remove its devices; nothing waits for it anywhere. */
function leaveAll(context: Context, account: Account): { groups: number; direct: number } {
  const { conversations } = context.tables;
  const counts = { groups: 0, direct: 0 };
  let after: string | undefined;
  for (;;) {
    const some = conversations.ofAccount(account.key, after, page);
    for (const conversation of some) {
      leave(context, conversation, account);
      counts[conversation.kind === "group" ? "groups" : "direct"]++;
    }
    after = some.at(-1)?.id;
    if (some.length < page || after === undefined) return counts;
  }
}

function leave(context: Context, conversation: Conversation, account: Account): void {
  const member = listedMember(conversation, account.key);
  if (member === undefined) return;
  const { tables } = context;
  const alone = conversation.hub === null && stayingOthers(conversation, account.key)
    .every((other) => tables.accounts.byKey(other.account).deletedAt !== null);
  if (alone) {
    forwardEnd(context, conversation);
    return removeAll(context, conversation);
  }
  if (member.state === "left") return;
  // Of a direct conversation both stay members for ever; of another server's group that server removes members.
  const own = conversation.kind === "group" && conversation.hub === null;
  if (takesPart(member) || own) {
    stop(context, conversation, { member, state: own ? "left" : "declined" });
  }
  answerHub(context, conversation, { account: account.key, state: "declined" });
  if (!own) return;
  tellRemovals(context, conversation, "");
  forwardStanding(context, conversation);
}

/** What it has uploaded, and what only it has not fetched yet. */
function deleteFiles({ tables, nudge }: Context, account: Account): number {
  const { files } = tables;
  const gone = [...files.ofAccount(account.key)];
  for (const file of files.waitingFor(account.key)) {
    if (!files.done(file.key, account.key).waiting) gone.push(file);
  }
  for (const file of gone) {
    files.remove(file.key);
    nudge({ kind: "discard", file: file.file });
  }
  return gone.length;
}

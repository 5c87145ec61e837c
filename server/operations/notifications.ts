/** Notifications: listing them and marking them as seen. */
import { memberOf } from "../domain/conversation.ts";
import type { MessageNotification, Tables } from "../tables/tables.ts";
import { actingParty, type Handler } from "./context.ts";
import type { NotificationRow } from "./contract.ts";
import { notificationRow } from "./notify.ts";
import { shownName } from "./remote.ts";

function messageRow(tables: Tables, found: MessageNotification): NotificationRow {
  const { number: notification, conversation, ts, count, seen } = found;
  const from = shownName(tables, tables.accounts.byKey(found.from));
  return { notification, kind: "message", ts, seen, conversation, from, count };
}

/** The account's notifications, in order of their numbers. */
export const notificationList: Handler<"notification.list"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return { notifications: [], more: false };
  const { unseen, after, limit } = input;
  const query = { unseen, after, limit: limit + 1 };
  const found = [
    ...tables.notifications.list(party.account.key, query)
      .map((each) => notificationRow(tables, each)),
    ...tables.notifications.ofMessages(party.account.key, query)
      .map((each) => messageRow(tables, each)),
  ].sort((a, b) => a.notification - b.notification);
  return { notifications: found.slice(0, limit), more: found.length > limit };
};

/** Everything up to a number is seen. */
export const notificationSeen: Handler<"notification.seen"> = ({ tables }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return {};
  const { key } = party.account;
  for (const each of tables.notifications.see(key, input.through)) {
    const conversation = tables.conversations.byKey(each);
    const member = memberOf(conversation, key);
    if (member === undefined) continue;
    member.notice.seen = true;
    member.changed = true;
    tables.conversations.save(conversation);
  }
  return {};
};

/** Lists that the server keeps, read page by page. */
import type { Message } from "../../lib/wire/messages.ts";
import type { NotificationInfo, UserInfo } from "./api.ts";
import type { Requester } from "./connection.ts";
import { notificationInfo, userInfo } from "./events.ts";

type Asking = Pick<Requester, "request">;

/** Pages that are read at most: a server that never ends its list does not keep this client for ever. */
const maxPages = 1000;

/** The accounts that are online, or all, in order of their names. `self`: the own account's id. */
export async function listUsers(
  server: Asking,
  { scope, self }: { readonly scope: "online" | "all"; readonly self: string },
): Promise<readonly UserInfo[]> {
  const users: UserInfo[] = [];
  for (let page = 0; page < maxPages; page++) {
    const after = users.at(-1)?.name;
    const { message } = await server.request({
      type: "directory.users",
      scope,
      ...(after === undefined ? {} : { after }),
    });
    users.push(...message.users.map((user) => userInfo(user, { account: self })));
    if (!message.more || message.users.length === 0) break;
  }
  return users;
}

/** Notifications, earliest first. */
export async function listNotifications(
  server: Asking,
  { unseen }: { readonly unseen: boolean },
): Promise<readonly NotificationInfo[]> {
  const list: Message<"notification.list.ok">["notifications"] = [];
  for (let page = 0; page < maxPages; page++) {
    const after = list.at(-1)?.notification;
    const { message } = await server.request({
      type: "notification.list",
      unseen,
      ...(after === undefined ? {} : { after }),
    });
    list.push(...message.notifications);
    if (!message.more || message.notifications.length === 0) break;
  }
  return list.map(notificationInfo);
}

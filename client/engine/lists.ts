/** Lists that the server keeps, read page by page. */
import { RefusedError } from "../../lib/wire/errors.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { NotificationInfo, UserInfo } from "./api.ts";
import type { Requester } from "./connection.ts";
import { notificationInfo, userInfo } from "./events.ts";

type Asking = Pick<Requester, "request">;

/** Pages that are read at most: a server that never ends its list does not keep this client for ever. */
const maxPages = 1000;

/**
 * The accounts that are online, or all, in order of their names; after those of one's own server those of the servers that
 * it is linked with, one server after another. `self`: the own account's id.
 */
export async function listUsers(
  server: Asking,
  options: { readonly scope: "online" | "all"; readonly self: string },
): Promise<readonly UserInfo[]> {
  const users = [...await usersOf(server, options)];
  const { message: { servers } } = await server.request({ type: "directory.servers" });
  for (const { name, linked } of servers) {
    if (linked) users.push(...await linkedUsers(server, { ...options, linked: name }));
  }
  return users;
}

/** Those of a linked server; none when it is away after all. */
async function linkedUsers(
  server: Asking,
  options: { readonly scope: "online" | "all"; readonly self: string; readonly linked: string },
): Promise<readonly UserInfo[]> {
  const { linked } = options;
  try {
    const users = await usersOf(server, options);
    return users.map((user) => ({
      ...user,
      name: `${user.name}@${linked}`,
      server: linked,
      self: false,
    }));
  } catch (thrown) {
    if (thrown instanceof RefusedError) return [];
    throw thrown;
  }
}

async function usersOf(
  server: Asking,
  { scope, self, linked }: {
    readonly scope: "online" | "all";
    readonly self: string;
    readonly linked?: string;
  },
): Promise<readonly UserInfo[]> {
  const users: UserInfo[] = [];
  for (let page = 0; page < maxPages; page++) {
    const after = users.at(-1)?.name;
    const { message } = await server.request({
      type: "directory.users",
      scope,
      ...(after === undefined ? {} : { after }),
      ...(linked === undefined ? {} : { server: linked }),
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

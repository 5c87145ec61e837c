/** Where this account stands to a group, in the server's words and in ours. */
import type { Message } from "../../lib/wire/messages.ts";
import type { Standing } from "../store/group_facts.ts";
import type { AccountKeys } from "./core.ts";

/** What the server says of it. */
export type ServerState = Pick<Message<"conversation.info.ok">, "state" | "by">;

/** The standing that the server tells of; `keys` name who has invited. */
export function standingOf(
  { state, by }: ServerState,
  keys: readonly Pick<AccountKeys, "account" | "name">[],
): Standing {
  switch (state) {
    case "active":
      return { kind: "active" };
    case "request":
      return {
        kind: "request",
        by: keys.find(({ account }) => account === by)?.name ?? "somebody",
      };
    case "declined":
    case "left":
      return { kind: "leaving" };
  }
}

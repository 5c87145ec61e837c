/** What rows are checked for before they are believed. */
import type { MlsGroup } from "../../lib/mls/mod.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import type { AccountKeys } from "./core.ts";
import type { Draft } from "./draft.ts";
import { devicesOf, type Groups } from "./groups.ts";

/** What is wrong with a group that a welcome leads into; undefined when it is as the server declares and as it must be. */
export function welcomeMisfit(
  groups: Groups,
  { message, draft, group, keys }: {
    readonly message: Arrived<"welcome">["message"];
    readonly draft: Draft;
    readonly group: MlsGroup;
    readonly keys: readonly AccountKeys[];
  },
): string | undefined {
  const declared = message.roster.map(({ device }) => device).sort().join();
  if (declared !== devicesOf(group).join()) {
    return "its members are not those that the server declares";
  }
  const partial = draft.thread.kind === "group";
  return groups.misfit(group, { conversation: message.conversation, keys, partial });
}

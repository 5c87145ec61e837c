/** What the admin socket's requests about accounts and invitations do in a running server. */
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { formatLink, parseServerAddress } from "../../lib/base/server_address.ts";
import { inviteHash, newInviteToken } from "../../lib/crypto/invite.ts";
import type { AdminHandlers } from "../admin/protocol.ts";
import type { Storage } from "../operations/contract.ts";
import { type Announcement, invitationLink } from "./announce.ts";

/** What the handlers work with. */
export interface AccountParts {
  readonly operations: Pick<Storage, "call">;
  readonly announcement: Announcement;
  readonly config: () => { readonly registration: string };
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const dayMs = 24 * 60 * 60 * 1000;

/** One function for every request about accounts and invitations. */
export function accountHandlers(
  parts: AccountParts,
): Pick<
  AdminHandlers,
  "user.list" | "user.disable" | "invite.make" | "invite.list" | "invite.revoke"
> {
  const { operations } = parts;
  return {
    "user.list": ({ after, limit }) => operations.call("admin.users", { after, limit }),
    "user.disable": async ({ name, disabled }) => {
      const result = await operations.call("admin.disable", { name, disabled });
      if (!result.ok) {
        throw new ExitError("notFound", `there is no account ${JSON.stringify(name)}`);
      }
      return {};
    },
    "invite.make": (wish) => makeInvite(parts, wish),
    "invite.list": () => operations.call("invite.list", {}),
    "invite.revoke": async ({ id }) => {
      const result = await operations.call("invite.remove", { id });
      if (result.ok) return {};
      const text = "no one invitation begins like that; `sealpost server invite --list` shows all";
      throw new ExitError("notFound", text, { cause: new AppError(result.code) });
    },
  };
}

async function makeInvite(
  { operations, announcement, config, now }: AccountParts,
  { note, uses, days }: { readonly note: string; readonly uses: number; readonly days: number },
) {
  const token = newInviteToken();
  const expiresAt = now() + days * dayMs;
  await operations.call("invite.add", { hash: inviteHash(token), note, uses, expiresAt });
  const { host, port, fingerprint = "" } = parseServerAddress(invitationLink(announcement));
  const link = formatLink({ host, port, fingerprint, invite: token });
  return { link, uses, expiresAt, needed: config().registration === "invite" };
}

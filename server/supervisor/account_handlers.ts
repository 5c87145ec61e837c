/** What the admin socket's requests about accounts and invitations do in a running server. */
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Logger } from "../../lib/base/log.ts";
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
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

function noAccount(name: string): ExitError {
  return new ExitError(
    "notFound",
    `there is no account ${JSON.stringify(name)}; \`sealpost server user list\` shows all`,
  );
}

const dayMs = 24 * 60 * 60 * 1000;

/** One function for every request about accounts and invitations. */
export function accountHandlers(
  parts: AccountParts,
): Pick<
  AdminHandlers,
  "user.list" | "user.disable" | "user.delete" | "invite.make" | "invite.list" | "invite.revoke"
> {
  const { operations, logger } = parts;
  return {
    "user.list": ({ after, limit }) => operations.call("admin.users", { after, limit }),
    "user.disable": async ({ name, disabled }) => {
      const result = await operations.call("admin.disable", { name, disabled });
      if (result.ok) return {};
      throw result.code === "account_deleted"
        ? new ExitError("notAllowed", `${JSON.stringify(name)} was deleted: that cannot be undone`)
        : noAccount(name);
    },
    "user.delete": async ({ name }) => {
      const result = await operations.call("admin.delete", { name });
      if (!result.ok) throw noAccount(name);
      const { ok: _, ...done } = result;
      logger.log("warning", "account_deleted", { account: done.account });
      return done;
    },
    "invite.make": (wish) => makeInvite(parts, wish),
    "invite.list": () => operations.call("invite.list", {}),
    "invite.revoke": async ({ id }) => {
      const result = await operations.call("invite.remove", { id });
      if (result.ok) return {};
      const text = "no one invitation begins like that; `sealpost server invite list` shows all";
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
  const hash = inviteHash(token);
  const row = await operations.call("invite.add", { hash, note, uses, expiresAt });
  const { host, port, fingerprint = "" } = parseServerAddress(invitationLink(announcement));
  const link = formatLink({ host, port, fingerprint, invite: token });
  return { ...row, link, uses, needed: config().registration === "invite" };
}

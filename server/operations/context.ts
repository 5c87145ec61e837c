/** What every operation is given beside its input, and the shape that operations have. */
import { defaultFileTypes } from "../../lib/base/file_types.ts";
import { fileLimits } from "../../lib/base/limits.ts";
import type { Account, Device, Tables } from "../tables/tables.ts";
import type {
  Actor,
  FileSettings,
  Input,
  Nudge,
  OperationName,
  Refused,
  Result,
} from "./contract.ts";

/** Who has to ask before writing to somebody or adding them to a group. */
export type Consent = "none" | "remote" | "all";

/** What the operator decided. */
export interface Settings {
  /** Whether new accounts are accepted. */
  readonly registration: "open" | "invite" | "closed";
  /** New accounts from one address in an hour. */
  readonly registrationsPerHour: number;
  readonly files: FileSettings;
  /** Whose first message or invitation is a request: nobody's, that of accounts of other servers, or every stranger's. */
  readonly consent: Consent;
  /** Whether the lobby is mirrored between this server and linked ones that want it too. */
  readonly lobbyPeers: boolean;
}

/** What holds unless the operator says otherwise. */
export const defaultFileSettings: FileSettings = {
  maxBytes: fileLimits.fileBytes,
  bytesPerAccount: fileLimits.bytesPerAccount,
  bytesInAll: fileLimits.bytesInAll,
  keepMs: fileLimits.keepMs,
  types: defaultFileTypes,
};

/** Where the sweep for old rows goes on. */
export interface Sweep {
  /** Storage key of the conversation that was looked at last. */
  after: number;
  /** The uptime when it last ran; undefined before the first run of this process. */
  ranAt: number | undefined;
}

/** The surroundings of one operation; the transaction is the caller's. */
export interface Context {
  readonly tables: Tables;
  /** Milliseconds since 1970; goes back from one operation to the next only when the clock had been far ahead. */
  readonly now: number;
  /** Milliseconds from an arbitrary start, which never go back: how long something took, whatever the clock says. */
  readonly uptime: number;
  readonly settings: Settings;
  readonly sweep: Sweep;
  /** Tells gateways something, once the transaction is committed. */
  nudge(nudge: Nudge): void;
}

/**
 * One operation: checks first and writes then, so that a refusal leaves nothing behind. What it throws is a failure of
 * storage or a mistake in the code, never a refusal.
 */
export type Handler<N extends OperationName> = (context: Context, input: Input<N>) => Result<N>;

/** A refusal with `code`. */
export function refuse(code: Refused["code"], facts: Omit<Refused, "ok" | "code"> = {}): Refused {
  return { ok: false, code, ...facts };
}

/** The account and device on whose behalf an operation runs. */
export interface Party {
  readonly account: Account;
  readonly device: Device;
}

/**
 * The acting party, one of this server's own accounts; or the refusal of one that was removed while its session lived on.
 */
export function actingParty(
  { accounts, devices }: Tables,
  actor: Actor,
): (Party & { readonly ok: true }) | Refused {
  return partyOf(accounts.byId(actor.account), devices.byId(actor.device));
}

/**
 * The same where a linked server may hand the request on: then it must be one of that server's accounts, whose certificate
 * was checked when the server showed it.
 */
export function askingParty(
  tables: Tables,
  actor: Actor,
): (Party & { readonly ok: true }) | Refused {
  if (actor.peer === undefined) return actingParty(tables, actor);
  const account = tables.accounts.anyById(actor.account);
  if (account?.peer !== actor.peer) return refuse("unknown_device");
  return partyOf(account, tables.devices.anyById(actor.device));
}

function partyOf(
  account: Account | undefined,
  device: Device | undefined,
): (Party & { readonly ok: true }) | Refused {
  if (account === undefined || device === undefined || device.account !== account.key) {
    return refuse("unknown_device");
  }
  if (account.deletedAt !== null) return refuse("account_deleted");
  if (device.revokedAt !== null) return refuse("device_revoked");
  return account.disabled ? refuse("account_disabled") : { ok: true, account, device };
}

/** Who is there, as others see it. */
import { addressText } from "../domain/addresses.ts";
import type { Account, Tables } from "../tables/tables.ts";
import type { Context } from "./context.ts";
import type { UserRow } from "./contract.ts";

/** As many addresses of one account as a message carries. */
const shownAddresses = 16;

/** The account with its presence. */
export function userRow(tables: Tables, account: Account): UserRow {
  const sessions = tables.sessions.ofAccount(account.key);
  return {
    name: account.name,
    account: account.account,
    online: sessions.length > 0,
    addresses: sessions.slice(0, shownAddresses).map((session) => addressText(session.host)),
    lastSeen: account.lastSeen,
  };
}

/** Tells everybody that the account's sessions have changed. */
export function tellPresence(context: Context, account: Account): void {
  context.nudge({ kind: "presence", user: userRow(context.tables, account) });
}

/** Device keys of the account with a session that wants live events, without `except`. */
export function liveDevices(tables: Tables, account: number, except?: string): string[] {
  const devices = new Set<string>();
  for (const session of tables.sessions.ofAccount(account)) {
    if (session.receive && session.device !== except) devices.add(session.device);
  }
  return [...devices];
}

/** Live sessions: their end, their wishes, and whether they still live. */
import type { Handler } from "./context.ts";
import { tellPresence } from "./presence.ts";

/** A session has ended. */
export const sessionClose: Handler<"session.close"> = (context, key) => {
  const { tables, now } = context;
  const session = tables.sessions.get(key);
  if (session === undefined) return {};
  tables.sessions.remove(key);
  tables.devices.setLastSeen(session.deviceKey, now);
  const account = tables.accounts.byKey(session.account);
  account.lastSeen = now;
  tables.accounts.save(account);
  tellPresence(context, account);
  return {};
};

/** A session turns live events on or off. */
export const sessionReceive: Handler<"session.receive"> = ({ tables }, input) => {
  tables.sessions.setReceive(input, input.receive);
  return {};
};

/** Asks the gateway that holds a session whether it still lives. */
export const sessionProbe: Handler<"session.probe"> = (context, { target, probe }) => {
  context.nudge({ kind: "probe", target, probe });
  return {};
};

/** Hands the answer of that gateway on to the one that asked. */
export const sessionProbed: Handler<"session.probed"> = (context, { probe, alive }) => {
  context.nudge({ kind: "probed", probe, alive });
  return {};
};

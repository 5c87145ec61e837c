/** Asking linked servers for one's own accounts, and being asked by them for theirs. */
import { actingParty, type Handler, refuse } from "./context.ts";
import { countClaim } from "./key_packages.ts";
import { remoteParty } from "./remote.ts";

/** Whose certificate it is; a peer speaks for its own accounts alone. */
export const peerParty: Handler<"peer.party"> = (context, { peer: key, certificate }) => {
  const peer = context.tables.peers.byKey(key);
  if (peer === undefined || peer.state !== "active") return refuse("peer_unknown");
  const party = remoteParty(context, peer, certificate);
  if (!party.ok) return party;
  const { account, device } = party;
  return { ok: true, account: account.account, device: device.device, peer: key };
};

/** Devices that nobody has shown here. */
export const peerStrangers: Handler<"peer.strangers"> = ({ tables }, { devices }) => ({
  strangers: devices.filter((device) => tables.devices.anyById(device) === undefined),
});

/** Counts a claim that goes to another server, as one here would be counted. */
export const claimAsk: Handler<"claim.ask"> = (context, input) => {
  const party = actingParty(context.tables, input);
  if (!party.ok) return party;
  const retryAfterMs = countClaim(context, party);
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  return { ok: true, certificate: party.device.certificate };
};

/** Remembers devices of another server's account, and whether it is asked first: as a member it begins accordingly. */
export const claimLearn: Handler<"claim.learn"> = (context, input) => {
  const { tables, now } = context;
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const peer = tables.peers.list().find(({ identity }) => identity === input.identity);
  if (peer === undefined) return refuse("no_such_server");
  for (const certificate of input.certificates) {
    const shown = remoteParty(context, peer, certificate);
    if (!shown.ok) return shown.code === "rate_limited" ? shown : refuse("invalid_certificate");
  }
  const target = tables.accounts.anyById(input.target);
  if (target === undefined || target.peer !== peer.key) return { ok: true };
  const { contacts } = tables;
  if (input.asked) contacts.forget(target.key, party.account.key);
  else contacts.learn(target.key, party.account.key, now);
  return { ok: true };
};

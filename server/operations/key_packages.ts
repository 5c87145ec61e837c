/** Key packages: putting them on offer and claiming them. */
import { mlsLimits, peerLimits } from "../../lib/base/limits.ts";
import { isInRoster, listedMember } from "../domain/conversation.ts";
import type { Account, Device, KeyPackage, Tables } from "../tables/tables.ts";
import { spend } from "./allowance.ts";
import { isAsked, isAskedEnough } from "./consent.ts";
import {
  actingParty,
  askingParty,
  type Context,
  type Handler,
  type Party,
  refuse,
} from "./context.ts";
import type { Input } from "./contract.ts";

const allowance = { most: mlsLimits.claimsPerMinute, windowMs: 60 * 1000 };
const peersAllowance = { most: peerLimits.claimsPerMinute, windowMs: 60 * 1000 };

/** Single-use packages that one device may have on offer: a full set beside what is left of the one before. */
const mostOnOffer = 2 * mlsLimits.keyPackages;

/** Puts packages of the acting device on offer; answers how many single-use ones there are now. */
export const keyPackagesPut: Handler<"keypackages.put"> = ({ tables, now }, input) => {
  const party = actingParty(tables, input);
  if (!party.ok) return party;
  const { key } = party.device;
  const adding = input.packages.filter((item) => !item.lastResort).length;
  if (tables.keyPackages.count(key) + adding > mostOnOffer) return refuse("quota_exceeded");
  for (const item of input.packages) tables.keyPackages.put(key, { ...item, now });
  return { ok: true, keyPackages: tables.keyPackages.count(key) };
};

/** Whose packages are wanted, and for what. */
interface Wanted {
  readonly target: Account;
  readonly input: Input<"keypackages.claim">;
}

/** Active devices of the target that are not in the group that is meant, without the claiming one. */
function wantedDevices(
  tables: Tables,
  party: Party,
  { target, input }: Wanted,
): Device[] {
  const { conversation, anew = false } = input;
  const seats = anew ? undefined : tables.conversations.byId(conversation)?.seats;
  return tables.devices.ofAccount(target.key).filter((device) =>
    device.revokedAt === null && device.key !== party.device.key &&
    !isInRoster(seats?.get(device.device))
  );
}

/**
 * The package set aside for this claim: the same as before, else a fresh one, else the last resort. Whoever has set many
 * aside without using them gets the last resort too.
 */
function packageFor(
  { tables, now }: Context,
  device: Device,
  claim: { readonly account: number; readonly conversation: string },
): KeyPackage | undefined {
  const { keyPackages } = tables;
  const before = keyPackages.claimed(device.key, claim);
  if (before !== undefined) return before;
  const reserved = keyPackages.reserved(device.key, claim.account);
  const fresh = reserved < mlsLimits.reservedPackages ? keyPackages.next(device.key) : undefined;
  if (fresh === undefined) return keyPackages.lastResort(device.key);
  keyPackages.claim(fresh.key, { ...claim, now });
  return fresh;
}

/** Sets one package of every wanted device of an account aside for one conversation. */
export const keyPackagesClaim: Handler<"keypackages.claim"> = (context, input) => {
  const { tables } = context;
  const party = askingParty(tables, input);
  if (!party.ok) return party;
  const target = tables.accounts.byId(input.target);
  if (target === undefined || target.disabled) return refuse("no_such_user");
  if (isUnwanted(tables, party, { target, conversation: input.conversation })) {
    return refuse("not_accepted");
  }
  const asked = isAsked(context, target, party.account);
  // An account of another server that could not make a request is told now: its server makes the conversation.
  if (input.peer !== undefined && asked && isAskedEnough(context, target.key)) {
    return refuse("not_accepted");
  }
  const retryAfterMs = countClaim(context, party) || countPeersClaim(context, input.peer);
  if (retryAfterMs > 0) return refuse("rate_limited", { retryAfterMs });
  return { ...claimEach(context, party, { target, input }), asked };
};

/** Milliseconds until the account may claim again; 0 counts this claim. */
export function countClaim(context: Context, { account }: Party): number {
  return spend(context, { kind: "claim", subject: account.account, allowance });
}

/** The same for all accounts of a linked server together, of which it may have as many as it likes. */
function countPeersClaim(context: Context, key: number | undefined): number {
  const peer = key === undefined ? undefined : context.tables.peers.byKey(key);
  if (peer === undefined) return 0;
  const subject = `peer ${peer.fingerprint}`;
  return spend(context, { kind: "claim", subject, allowance: peersAllowance });
}

/** Whoever is blocked gets no packages, but for conversations that both are in already. */
function isUnwanted(
  tables: Tables,
  party: Party,
  { target, conversation }: { readonly target: Account; readonly conversation: string },
): boolean {
  if (!tables.contacts.blocks(target.key, party.account.key)) return false;
  const known = tables.conversations.byId(conversation);
  return known === undefined || listedMember(known, target.key) === undefined ||
    listedMember(known, party.account.key) === undefined;
}

function claimEach(
  context: Context,
  party: Party,
  wanted: Wanted,
) {
  const { conversation } = wanted.input;
  const claim = { account: party.account.key, conversation };
  const packages: { device: string; ref: string; lastResort: boolean; bytes: Uint8Array }[] = [];
  const missing: string[] = [];
  for (const device of wantedDevices(context.tables, party, wanted)) {
    const found = packageFor(context, device, claim);
    if (found === undefined) missing.push(device.device);
    else {
      const { ref, lastResort, bytes } = found;
      packages.push({ device: device.device, ref, lastResort, bytes });
    }
  }
  return { ok: true, packages, missing } as const;
}

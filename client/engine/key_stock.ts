/** Keeps the server supplied with this device's key packages, so that it can be added to conversations while away. */
import type { Clock } from "../../lib/base/clock.ts";
import { mlsLimits } from "../../lib/base/limits.ts";
import type { MlsIdentity, NewKeyPackage } from "../../lib/mls/mod.ts";
import type { KeyPackages } from "../store/key_packages.ts";
import type { Profile } from "../store/profile.ts";
import type { Requester, Welcome } from "./connection.ts";

/** What is needed to refill. */
export interface StockOptions {
  readonly profile: Pick<Profile, "database" | "identity">;
  readonly keyPackages: KeyPackages;
  readonly server: Pick<Requester, "request">;
  readonly clock: Clock;
}

/** A private part is kept as long as its package can be used, and a welcome made with it can still be on its way. */
const keepMs = 2 * mlsLimits.keyPackageLifetimeMs;
/** A replaced last resort is still found this long: a welcome to it can have waited at the server. */
const replacedMs = mlsLimits.keyPackageLifetimeMs;
/** Packages made between two looks at other work. */
const batch = 10;

/** What the server's answer at login asks for. Pure. */
export function stockNeeds(
  welcome: Pick<Welcome, "keyPackages" | "lastResortAt" | "now">,
): { readonly single: number; readonly lastResort: boolean } {
  const { keyPackages, lastResortAt, now } = welcome;
  const single = keyPackages < mlsLimits.keyPackagesRefillBelow
    ? mlsLimits.keyPackages - keyPackages
    : 0;
  const lastResort = lastResortAt === null || now - lastResortAt >= mlsLimits.lastResortRotationMs;
  return { single, lastResort };
}

/**
 * Brings the stock up and rotates the last resort when it is time. The first batch goes out at once, so that a new
 * device can be reached soon. Rejects when the server does.
 */
export async function refill(
  options: StockOptions,
  { welcome, signal }: { readonly welcome: Welcome; readonly signal: AbortSignal },
): Promise<void> {
  const { keyPackages, clock } = options;
  const now = clock.now();
  keyPackages.removeOld({ created: now - keepMs, replaced: now - replacedMs });
  const needs = stockNeeds(welcome);
  let lastResort = needs.lastResort;
  for (let left = needs.single; left > 0 || lastResort; left -= batch) {
    signal.throwIfAborted();
    await publish(options, { single: Math.max(0, Math.min(batch, left)), lastResort });
    lastResort = false;
  }
}

async function publish(
  options: StockOptions,
  wanted: { readonly single: number; readonly lastResort: boolean },
): Promise<void> {
  const { profile, keyPackages, server, clock } = options;
  const made = await make(profile.identity, { ...wanted, now: clock.now() });
  profile.database.transaction(() => {
    for (const { ref, privateState, lastResort } of made) {
      keyPackages.add({ ref, privateState, lastResort, createdAt: clock.now() });
    }
  });
  const bodies = made.map(({ keyPackage }) => keyPackage);
  await server.request({
    type: "keypackages.put",
    packages: made.map(({ ref, lastResort, keyPackage }) => ({
      ref,
      lastResort,
      length: keyPackage.length,
    })),
    body: bodies.reduce((sum, { length }) => sum + length, 0),
  }, bodies);
  const last = made.find(({ lastResort }) => lastResort);
  if (last !== undefined) keyPackages.replaceLastResorts(last.ref, clock.now());
}

type Made = NewKeyPackage & { readonly lastResort: boolean };

async function make(
  identity: MlsIdentity,
  wanted: { readonly single: number; readonly lastResort: boolean; readonly now: number },
): Promise<Made[]> {
  // Loaded at first use: most starts need none.
  const { createKeyPackage } = await import("../../lib/mls/mod.ts");
  const kinds = [
    ...(wanted.lastResort ? [true] : []),
    ...Array.from({ length: wanted.single }, () => false),
  ];
  const made: Made[] = [];
  for (const lastResort of kinds) {
    const { now } = wanted;
    made.push({ ...await createKeyPackage(identity, { now, lastResort }), lastResort });
  }
  return made;
}

import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { mlsLimits } from "../../../lib/base/limits.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { readKeyPackage } from "../../../lib/mls/mod.ts";
import type { Requester, Welcome } from "../../../client/engine/connection.ts";
import { refill, stockNeeds } from "../../../client/engine/key_stock.ts";
import { KeyPackages } from "../../../client/store/key_packages.ts";
import { TempFolder } from "../../kit/folder.ts";
import { lightProfile, someIdentity } from "./light_profile.ts";

const day = 24 * 60 * 60 * 1000;

Deno.test("the stock is refilled below its limit, the last resort renewed once a week", () => {
  const now = 100 * day;
  const below = mlsLimits.keyPackagesRefillBelow;
  assert.deepEqual(stockNeeds({ keyPackages: 0, lastResortAt: null, now }), {
    single: mlsLimits.keyPackages,
    lastResort: true,
  });
  assert.deepEqual(stockNeeds({ keyPackages: below, lastResortAt: now - 6 * day, now }), {
    single: 0,
    lastResort: false,
  });
  assert.deepEqual(stockNeeds({ keyPackages: below - 1, lastResortAt: now - 7 * day, now }), {
    single: mlsLimits.keyPackages - below + 1,
    lastResort: true,
  });
});

interface Put {
  readonly type: "keypackages.put";
  readonly packages: readonly { ref: string; lastResort: boolean; length: number }[];
  readonly body: number;
}

async function withStock(
  use: (stock: {
    readonly packages: KeyPackages;
    readonly puts: { readonly put: Put; readonly bodies: readonly Uint8Array[] }[];
    refill(welcome: Partial<Welcome>, fail?: boolean): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  await using temp = await TempFolder.make();
  const serverKey = generateSigningKey().publicKey;
  using profile = lightProfile(temp.path, someIdentity({ name: "sam", serverKey }));
  const keyPackages = new KeyPackages(profile);
  const puts: { put: Put; bodies: readonly Uint8Array[] }[] = [];
  await use({
    packages: keyPackages,
    puts,
    refill: async (welcome, fail = false) => {
      const request = (put: Put, bodies: readonly Uint8Array[]) => {
        // Whatever leaves can be used at once: its private part has to be here already.
        for (const { ref } of put.packages) assert.ok(keyPackages.privateStates(ref), ref);
        puts.push({ put, bodies });
        return fail ? Promise.reject(new Error("gone")) : Promise.resolve({});
      };
      const server = { request } as unknown as Pick<Requester, "request">;
      const all = { keyPackages: 50, lastResortAt: Date.now(), now: Date.now(), ...welcome };
      await refill({ profile, keyPackages, server, clock: systemClock }, {
        welcome: all as Welcome,
        signal: new AbortController().signal,
      });
    },
  });
}

Deno.test("packages go out in batches, each stored before it leaves, each one that others accept", () =>
  withStock(async ({ packages, puts, refill }) => {
    await refill({ keyPackages: 0, lastResortAt: null });
    const sent = puts.flatMap(({ put }) => put.packages);
    assert.equal(sent.length, mlsLimits.keyPackages + 1);
    assert.deepEqual(sent.map(({ lastResort }) => lastResort).indexOf(true), 0);
    assert.equal(sent.filter(({ lastResort }) => lastResort).length, 1);
    assert.equal(packages.count(), sent.length);
    assert.ok(puts.length > 1);
    const { put, bodies } = puts[0] ?? assert.fail();
    assert.equal(put.body, bodies.reduce((sum, { length }) => sum + length, 0));
    const read = await readKeyPackage(bodies[0] ?? new Uint8Array(), {
      now: Date.now(),
      accept: ({ name }) => name === "sam",
    });
    assert.ok(read.kind === "key_package" && read.lastResort);
    assert.equal(read.ref, put.packages[0]?.ref);
  }));

Deno.test("a full stock is left alone", () =>
  withStock(async ({ puts, refill }) => {
    await refill({});
    assert.equal(puts.length, 0);
  }));

Deno.test("private parts stay when the answer got lost, and the old last resort is not replaced", () =>
  withStock(async ({ packages, puts, refill }) => {
    await refill({ lastResortAt: null });
    const [first] = puts[0]?.put.packages ?? [];
    await assert.rejects(refill({ lastResortAt: null }, true));
    packages.removeOld({ created: 0, replaced: Date.now() + day });
    assert.equal(packages.count(), 2);
    assert.ok(packages.privateStates(first?.ref ?? ""));
  }));

/** Claiming key packages of this server's own accounts. */
import type { Carriers } from "./asker.ts";

/** The carrier of `keypackages.claim`. */
export const claimCarriers: Carriers<"keypackages.claim"> = {
  "keypackages.claim": async ({ actor, storage }, { message }) => {
    const { account: target, conversation, anew = false } = message;
    const claimed = await storage.call("keypackages.claim", {
      ...actor,
      target,
      conversation,
      anew,
    });
    if (!claimed.ok) return claimed;
    const packages = claimed.packages.map(({ device, ref, lastResort, bytes }) => ({
      device,
      ref,
      lastResort,
      length: bytes.length,
    }));
    const body = claimed.packages.map(({ bytes }) => bytes);
    const { missing, asked } = claimed;
    return { ok: true, fields: { packages, missing }, body, asked };
  },
};

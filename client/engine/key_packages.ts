/** Key packages of the devices that are to be in a new conversation, claimed and checked. */
import { toBase64url } from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { certifies } from "./certified.ts";
import type { AccountKeys, Core } from "./core.ts";
import { activeDevices } from "./groups.ts";
import { naming } from "./linked_servers.ts";

/** A key package that was verified: it is of that device, and the device of an account that belongs there. */
export interface CheckedPackage {
  readonly device: string;
  readonly bytes: Uint8Array;
}

/** What for. */
export interface Claiming {
  readonly conversation: string;
  /** For a group that is made anew: also of devices that are in the present one. */
  readonly anew?: boolean;
}

/**
 * One key package of every active device of the accounts, except this one. Devices without any are left out: they join
 * by themselves. Rejects with `no_key_package` when an account would have no device in the conversation, and with
 * `tampered`, after a warning, when the server gave one that is not that device's.
 */
export async function claimPackages(
  core: Core,
  options: Claiming & { readonly keys: readonly AccountKeys[] },
): Promise<CheckedPackage[]> {
  const all: CheckedPackage[] = [];
  for (const keys of options.keys) {
    const claimed = await claimOf(core, { ...options, keys });
    if (claimed.length === 0 && keys.account !== core.own.account) {
      throw new AppError("no_key_package", {
        text: `no device of ${keys.name} can be reached yet: it has left no keys at the server`,
      });
    }
    all.push(...claimed);
  }
  return all;
}

async function claimOf(
  core: Core,
  { keys, conversation, anew = false }: Claiming & { readonly keys: AccountKeys },
): Promise<CheckedPackage[]> {
  const { own, server } = core;
  const others = activeDevices(keys).map(({ deviceKey }) => toBase64url(deviceKey))
    .filter((device) => device !== own.device);
  if (others.length === 0) return [];
  const { message, body } = await naming(keys.server ?? "", () =>
    server.request({
      type: "keypackages.claim",
      account: keys.account,
      conversation,
      ...(anew ? { anew } : {}),
      ...(keys.server === undefined ? {} : { server: keys.server }),
    }));
  let offset = 0;
  const checked: CheckedPackage[] = [];
  for (const { device, ref, length } of message.packages) {
    const bytes = body.subarray(offset, offset += length);
    if (device === own.device) continue;
    const usable = await check(core, { keys, device, ref, bytes, known: others.includes(device) });
    if (usable) checked.push({ device, bytes });
  }
  return checked;
}

/** Whether the package can be used. Throws when it is not what the server says it is. */
async function check(
  core: Core,
  claimed: {
    readonly keys: AccountKeys;
    readonly device: string;
    readonly ref: string;
    readonly bytes: Uint8Array;
    readonly known: boolean;
  },
): Promise<boolean> {
  const { keys, device, ref, bytes, known } = claimed;
  const mls = await core.mls();
  const read = await mls.readKeyPackage(bytes, {
    now: core.clock.now(),
    accept: (certificate) =>
      certifies(keys, certificate) && toBase64url(certificate.deviceKey) === device,
  });
  if (known && read.kind === "key_package" && read.ref === ref) return true;
  if (known && read.kind === "refused" && read.reason === "bad_key_package") {
    core.logger.log("warning", "key_package_unusable", { detail: read.detail });
    return false;
  }
  const text = `the server gave keys for ${keys.name} that are not ${keys.name}'s: ` +
    "nothing was sent; the server, or somebody in it, may be trying to listen in";
  core.warn(text);
  throw new AppError("tampered", { text });
}

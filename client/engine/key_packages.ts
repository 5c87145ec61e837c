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

/** What was claimed. */
export interface Claimed {
  readonly packages: readonly CheckedPackage[];
  /** The keys that were given, of accounts that have got a device since then as they are now. */
  readonly keys: readonly AccountKeys[];
}

/**
 * One key package of every active device of the accounts, except this one. Devices without any are left out: they join
 * by themselves. Rejects with `no_key_package` when an account would have no device in the conversation, and with
 * `tampered`, after a warning, when the server gave one that is not that device's.
 */
export async function claimPackages(
  core: Core,
  options: Claiming & { readonly keys: readonly AccountKeys[] },
): Promise<Claimed> {
  const [packages, known]: [CheckedPackage[], AccountKeys[]] = [[], []];
  for (const keys of options.keys) {
    const claimed = await claimOf(core, { ...options, keys });
    if (claimed.packages.length === 0 && keys.account !== core.own.account) {
      throw new AppError("no_key_package", {
        text: `no device of ${keys.name} can be reached yet: it has left no keys at the server`,
      });
    }
    packages.push(...claimed.packages);
    known.push(claimed.keys);
  }
  return { packages, keys: known };
}

interface ClaimedOf {
  readonly packages: readonly CheckedPackage[];
  readonly keys: AccountKeys;
}

async function claimOf(
  core: Core,
  { keys: before, conversation, anew = false }: Claiming & { readonly keys: AccountKeys },
): Promise<ClaimedOf> {
  let keys = before;
  const { own, server } = core;
  const others = () =>
    activeDevices(keys).map(({ deviceKey }) => toBase64url(deviceKey))
      .filter((device) => device !== own.device);
  if (others().length === 0) return { packages: [], keys };
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
    // The account may have got it since its keys were asked for.
    if (!others().includes(device)) keys = await keysNow(core, keys);
    const known = others().includes(device);
    if (await check(core, { keys, device, ref, bytes, known })) checked.push({ device, bytes });
  }
  return { packages: checked, keys };
}

/** The account's keys, asked for anew. */
function keysNow({ people }: Core, { account, server }: AccountKeys): Promise<AccountKeys> {
  const who = server === undefined ? { account } : { account, server };
  return people.keysOf(who, { fresh: true });
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

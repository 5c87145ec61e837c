/** The own devices: which one is meant, and what they look like. */
import { AppError } from "../../lib/base/errors.ts";
import type { DeviceInfo } from "../engine/api_devices.ts";
import { formatTime, safe } from "./format.ts";

/** Fewer characters of a device's key name none, so that a slip removes nothing. */
const fewest = 6;

/** The device whose key begins with `id`. Throws `AppError("not_found")` unless it is exactly one. */
export function deviceBy(id: string, devices: readonly DeviceInfo[]): DeviceInfo {
  const found = devices.filter(({ device }) => id.length >= fewest && device.startsWith(id));
  const [device, ...more] = found;
  if (device === undefined || more.length > 0) {
    throw new AppError("not_found", {
      text:
        `no device of yours, or more than one, has a key that begins with that: give ${fewest} characters or more, as the list of devices shows them`,
    });
  }
  return device;
}

/** The same, for a device that is to be removed: never this very one (`AppError("blocked")`). */
export function otherDeviceBy(id: string, devices: readonly DeviceInfo[]): DeviceInfo {
  const device = deviceBy(id, devices);
  if (device.current) {
    throw new AppError("blocked", {
      text:
        "that is this very device; remove it from another one, or log out and delete its profile",
    });
  }
  return device;
}

/** One of the own devices as a line: its key by which it is known, what it is called, when it was there. */
export function describeOwnDevice(device: DeviceInfo, utc: boolean): string {
  const { lastSeen, online, revoked, current } = device;
  const seen = lastSeen === undefined ? "" : `, last seen ${formatTime(lastSeen, utc)}`;
  const presence = online ? ", online" : seen;
  const marks = [revoked ? " (removed)" : "", current ? " (this one)" : ""].join("");
  const since = formatTime(device.createdAt, utc);
  return `${device.device}  ${safe(device.label, 64) || "-"}  since ${since}${presence}${marks}`;
}

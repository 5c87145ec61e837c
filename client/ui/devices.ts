/** Which of the own devices is meant. */
import { AppError } from "../../lib/base/errors.ts";
import type { KeyInfo } from "../engine/api.ts";

type Device = KeyInfo["devices"][number];

/** Fewer characters of a device's key name none, so that a slip removes nothing. */
const fewest = 6;

/** The device whose key begins with `id`. Throws `AppError("not_found")` unless it is exactly one, and not this one. */
export function deviceBy(id: string, devices: readonly Device[]): Device {
  const found = devices.filter(({ device }) => id.length >= fewest && device.startsWith(id));
  const [device, ...more] = found;
  if (device === undefined || more.length > 0) {
    throw new AppError("not_found", {
      text:
        `no device of yours, or more than one, has a key that begins with that; give ${fewest} characters or more`,
    });
  }
  if (device.current) {
    throw new AppError("blocked", {
      text:
        "that is this very device; remove it from another one, or log out and delete its profile",
    });
  }
  return device;
}

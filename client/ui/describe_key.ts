/** What is known of an account's key, as lines of text. */
import type { KeyInfo } from "../engine/api.ts";
import { formatTime, safe } from "./format.ts";

const stateTexts: Readonly<Record<KeyInfo["state"], string>> = {
  own: "your own",
  unverified: "not verified: compare the safety number, then /verify",
  verified: "verified",
  changed: "CHANGED since it was last seen: sending is blocked until you /verify it again",
};

/** One device: its key by which it is known, and what to know of it. */
export function describeDevice(device: KeyInfo["devices"][number]): string {
  const marks = [device.revoked ? " (removed)" : "", device.current ? " (this one)" : ""];
  return `${device.device}  since ${formatTime(device.createdAt, false)}${marks.join("")}`;
}

/** What `/key` prints. */
export function describeKey(info: KeyInfo): string {
  const devices = info.devices.map((device) => `  ${describeDevice(device)}`);
  return [
    `name           ${safe(info.name, 64)}`,
    `account        ${info.account}`,
    `key            ${info.fingerprint}`,
    `state          ${stateTexts[info.state]}`,
    ...(info.safetyNumber === undefined ? [] : [`safety number  ${info.safetyNumber}`]),
    `directory      proof checked at log size ${info.logSize}`,
    "devices",
    ...devices,
  ].join("\n");
}

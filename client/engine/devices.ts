/** The account's own devices: as the directory proves them, with what the server says of them beside. */
import { AppError } from "../../lib/base/errors.ts";
import { textLimits } from "../../lib/base/limits.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import type { KeyInfo, SelfInfo } from "./api.ts";
import type { DeviceActions, DeviceInfo } from "./api_devices.ts";
import type { Requester } from "./connection.ts";

/** What the devices of an engine need. */
export interface DevicesOptions {
  readonly server: Pick<Requester, "request">;
  readonly self: Pick<SelfInfo, "name">;
  /** The account's keys, proven by the directory. */
  readonly account: { key(name: string): Promise<KeyInfo> };
  readonly revoke: (device: string) => Promise<void>;
}

/** The devices side of an engine. */
export class Devices implements DeviceActions {
  readonly #options: DevicesOptions;

  constructor(options: DevicesOptions) {
    this.#options = options;
  }

  async list(): Promise<readonly DeviceInfo[]> {
    const { server, self, account } = this.#options;
    const [{ devices }, { message }] = await Promise.all([
      account.key(self.name),
      server.request({ type: "device.list" }),
    ]);
    return devices.map(({ device, createdAt, revoked, current }) => {
      const said = message.devices.find((one) => one.device === device);
      const lastSeen = said?.lastSeen ?? null;
      return {
        device,
        label: said?.label ?? "",
        createdAt,
        ...(lastSeen === null ? {} : { lastSeen }),
        online: said?.online ?? false,
        revoked,
        current,
      };
    });
  }

  async rename(device: string, label: string): Promise<void> {
    const most = textLimits.deviceLabelChars;
    if (label.trim() === "" || label.length > most || sanitizeLine(label, most) !== label) {
      throw new AppError("malformed", {
        text: `a label has 1 to ${most} visible characters`,
        fault: "us",
      });
    }
    await this.#options.server.request({ type: "device.rename", device, label });
  }

  async revoke(device: string): Promise<void> {
    await this.#options.revoke(device);
  }
}

/** The account's own devices. */

/** One of the account's own devices. */
export interface DeviceInfo {
  /** Its public key, base64url. */
  readonly device: string;
  /** What its owner calls it; not sanitised. */
  readonly label: string;
  readonly createdAt: number;
  /** When its last session ended, as the server says. */
  readonly lastSeen?: number;
  /** Whether it has a session now, as the server says. */
  readonly online: boolean;
  readonly revoked: boolean;
  /** Whether it is this very device. */
  readonly current: boolean;
}

/** What one can do with one's own devices. Methods reject with `AppError`. */
export interface DeviceActions {
  /** Every device that the directory proves, in the order in which they came; labels and presence as the server says. */
  list(): Promise<readonly DeviceInfo[]>;
  /** Calls a device something else. Rejects with `unknown_device`, and with `malformed` for what is no label. */
  rename(device: string, label: string): Promise<void>;
  /** Takes a device out of the account, and out of all conversations, for good. */
  revoke(device: string): Promise<void>;
}

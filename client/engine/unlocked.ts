/** What an engine is made from: an unlocked account, and what that account can do over the engine's connection. */
import type { Clock } from "../../lib/base/clock.ts";
import type { AppError } from "../../lib/base/errors.ts";
import type { Logger } from "../../lib/base/log.ts";
import type { Connection } from "../../lib/wire/connection.ts";
import type { Profile } from "../store/profile.ts";
import type { Engine, KeyInfo, NotificationInfo, SelfInfo, UserInfo, WarningFacts } from "./api.ts";
import type { Requester, Welcome } from "./connection.ts";
import type { DirectoryDesk } from "./api_directory.ts";
import type { ComparableLog } from "./checkpoints.ts";
import type { KeyPackageStore, People } from "./core.ts";

/** An account whose profile is open; the engine made from it closes the profile when it stops. */
export interface UnlockedAccount {
  readonly profile: Profile;
  readonly self: SelfInfo;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A new connection to the pinned server, greeted with the device's key. Rejects with `TrustError` if it changed. */
  open(signal: AbortSignal): Promise<Connection>;
  /** Says what a refused login of this device means, and what to do. */
  readonly explain?: (error: AppError) => AppError;
  /** What the account does beside messages, over the engine's connection. */
  services(options: ServiceOptions): AccountServices;
}

/** Makes an engine. */
export type MakeEngine = (account: UnlockedAccount) => Engine;

/** What the services of an account need of its engine. */
export interface ServiceOptions {
  readonly server: Requester;
  /** Tells a person. */
  warn(text: string, facts?: WarningFacts): void;
}

/** A message as a receipt is made of it; all binary fields base64url. */
export interface ReceiptSource {
  /** Where it was said. */
  readonly where:
    | { readonly kind: "direct"; readonly conversation: string }
    | { readonly kind: "lobby"; readonly post: string; readonly sentAt: number };
  /** Name of the account that said it. */
  readonly from: string;
  /** Exactly the bytes that were signed: the content, or the post's text in UTF-8. */
  readonly content: string;
  readonly signature: string;
  /** The certificate of the device that signed; looked up by `device` when absent. */
  readonly certificate?: string;
  /** The device's public key, where there is no certificate. */
  readonly device?: string;
}

/** What an account does beside messages. */
export interface AccountServices {
  /** Verified keys; rejects with `blocked` for an account whose key changed until a person has accepted that. */
  readonly people: People;
  readonly keyPackages: KeyPackageStore;
  /** The directory's log as this profile has seen it. */
  readonly log: ComparableLog;
  readonly directory: DirectoryDesk;
  /**
   * Call after each login: refills key packages, rotates the last resort, audits the directory. Never rejects; what a
   * person must know goes to `warn`.
   */
  tend(welcome: Welcome, signal: AbortSignal): Promise<void>;
  /** Throws `AppError("blocked")` when the account's key changed and nobody has accepted that. Works offline. */
  checkSendable(name: string): void;
  /** Something was signed by a device that is not known: forget what is known of that account. */
  forgetKeys(account: string): void;
  exists(name: string): Promise<boolean>;
  users(scope: "online" | "all"): Promise<readonly UserInfo[]>;
  notifications(options: { unseen: boolean }): Promise<readonly NotificationInfo[]>;
  notificationsSeen(through: number): Promise<void>;
  key(name: string): Promise<KeyInfo>;
  setVerified(name: string, verified: boolean): Promise<void>;
  isPassword(password: string): Promise<boolean>;
  changePassword(current: string, next: string): Promise<void>;
  revokeDevice(device: string): Promise<void>;
  /** One receipt as JSON text. */
  receipt(source: ReceiptSource): Promise<string>;
}

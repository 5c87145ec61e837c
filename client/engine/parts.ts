/** What an engine is put together from. */
import type { Clock } from "../../lib/base/clock.ts";
import type { Logger } from "../../lib/base/log.ts";
import type { SigningKey } from "../../lib/crypto/sign.ts";
import type { Connection } from "../../lib/wire/connection.ts";
import type { DeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { SealedDatabase } from "../store/sealed.ts";
import type { Engine, SelfInfo } from "./api.ts";
import type { Requester, Welcome } from "./connection.ts";
import type { KeyPackageStore, People } from "./core.ts";

/** The methods of an engine that concern accounts and devices rather than messages. */
export type AccountMethods = Pick<
  Engine,
  | "exists"
  | "users"
  | "notifications"
  | "notificationsSeen"
  | "key"
  | "setVerified"
  | "changePassword"
  | "revokeDevice"
  | "exportSigned"
>;

/** The account's side of an engine: directory, keys, devices, notifications. */
export interface AccountSide extends AccountMethods {
  readonly people: People;
  readonly keyPackages: KeyPackageStore;
  /** Runs at every new session, beside the messages: key packages, own entries of the directory. */
  ready(welcome: Welcome, signal: AbortSignal): Promise<void>;
}

/** What the account's side is given. */
export interface AccountContext {
  readonly server: Requester;
  /** Tells a person, now or when next somebody listens. */
  warn(text: string): void;
}

/** An unlocked profile and what leads from it to its server. */
export interface EngineParts {
  readonly self: SelfInfo;
  readonly profile: SealedDatabase & {
    readonly identity: { readonly device: SigningKey; readonly certificate: DeviceCertificate };
    /** The token that all processes of this profile share (UUID). */
    readonly instance: string;
    close(): void;
  };
  /** A new connection to the pinned server, greeted. */
  open(signal: AbortSignal): Promise<Connection>;
  account(context: AccountContext): AccountSide;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly random?: () => number;
}

/** What the parts of an engine share. */
import type { Bytes } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import { AppError } from "../../lib/base/errors.ts";
import type { Logger } from "../../lib/base/log.ts";
import type { KeyedMutex } from "../../lib/base/mutex.ts";
import type { DeviceCertificate, DeviceRevocation } from "../../lib/crypto/certificate.ts";
import type { MlsIdentity, PrivateStates } from "../../lib/mls/mod.ts";
import type { HeardCheckpoint } from "../store/checkpoints.ts";
import type { Blocked } from "../store/blocked.ts";
import type { Messages } from "../store/messages.ts";
import type { Outbox } from "../store/outbox.ts";
import type { LostMessages } from "../store/lost.ts";
import type { Repairs } from "../store/repairs.ts";
import type { SealedDatabase } from "../store/sealed.ts";
import type { Threads } from "../store/threads.ts";
import type { GroupAsks } from "./group_asks.ts";
import type { Requester } from "./connection.ts";
import type { Links } from "./links.ts";
import type { ResendService } from "./resend/asked.ts";
import type { Returns } from "./returns.ts";

/** The keys of an account, verified against the directory and against what was seen of it before. */
export interface AccountKeys {
  readonly account: string;
  /** As its owner spells it; of an account of a linked server its address here (`name@server`). */
  readonly name: string;
  /** 32 bytes. */
  readonly accountKey: Bytes;
  /** The identity of the server whose account it is, 32 bytes: the own server's, or as pinned for a linked one. */
  readonly serverKey: Bytes;
  /** What that server is called here; absent for the own one. */
  readonly server?: string;
  /** Certificates of all devices that ever were, revoked ones included. */
  readonly devices: readonly DeviceCertificate[];
  readonly revocations: readonly DeviceRevocation[];
}

/** Verified keys of accounts. */
export interface People {
  /**
   * By name or account id. `fresh` asks the server even when the answer is known. Rejects with `no_such_user`; and with
   * `tampered` or alike when the server's answer does not hold or contradicts what it said before.
   */
  keysOf(
    who: { readonly name: string } | { readonly account: string; readonly server?: string },
    options?: { readonly fresh?: boolean },
  ): Promise<AccountKeys>;
  /** What the account of a certificate is called here: its name, or on another server its address. */
  nameOf(certificate: Pick<DeviceCertificate, "name" | "serverKey">): string;
}

/** The private parts of this device's key packages. */
export interface KeyPackageStore {
  readonly privateStates: PrivateStates;
  /** Forgets one that was used. In the caller's transaction. */
  remove(ref: string): void;
}

/** Who this engine is. */
export interface Own {
  readonly name: string;
  readonly account: string;
  /** Base64url of the device's public key. */
  readonly device: string;
  readonly identity: MlsIdentity;
}

/** What the parts of an engine share. */
export interface Core {
  readonly own: Own;
  readonly sealed: SealedDatabase;
  readonly threads: Threads;
  readonly messages: Messages;
  readonly outbox: Outbox;
  readonly repairs: Repairs;
  readonly lost: LostMessages;
  readonly resends: ResendService;
  readonly keyPackages: KeyPackageStore;
  readonly server: Requester;
  readonly people: People;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly locks: KeyedMutex;
  /** Whom this account has blocked. */
  readonly blocked: Blocked;
  /** Which linked servers are away. */
  readonly links: Links;
  /** When the connection, or a link, has come back. */
  readonly returns: Returns;
  /** Questions of groups' devices. */
  readonly asks: GroupAsks;
  /** Loaded at first use: it costs tens of milliseconds. */
  mls(): Promise<typeof import("../../lib/mls/mod.ts")>;
  /** Tells a person. */
  warn(text: string): void;
  /** What others saw of the directory's log. */
  readonly checkpoints: {
    /** In the caller's transaction. */
    hear(heard: HeardCheckpoint): void;
    compareSoon(): void;
  };
  /** Sends what waits in a thread's outbox, in the background. */
  kick(thread: number): void;
  /** The store has changed: whoever shows it looks again. */
  changed(): void;
}

/** Whether two names are the same account's. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Whether asking again later makes sense: nothing was refused for good. */
export function isTemporary(thrown: unknown): boolean {
  return thrown instanceof AppError && (thrown.retry === "later" || thrown.code === "timeout");
}

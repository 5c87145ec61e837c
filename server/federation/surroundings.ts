/** What the parts of federation are given, and what they tell of themselves. */
import type { Clock } from "../../lib/base/clock.ts";
import type { Logger } from "../../lib/base/log.ts";
import type { Dialled } from "../domain/peers.ts";
import type { PeerRow, Storage } from "../operations/contract.ts";
import type { DirectoryQuestion } from "./answers.ts";
import type { Answered } from "./asking.ts";
import type { PeerChannel } from "./channel.ts";
import type { Wanted } from "./dialing.ts";
import type { Trouble } from "./excess.ts";
import type { PeerFacts } from "./greeting.ts";
import type { KeysOf } from "./introductions.ts";

/** What a peer is made with. */
export interface Surroundings {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly facts: PeerFacts;
  /** Whether this server mirrors its lobby. */
  readonly lobby: boolean;
  /** Answers what peers ask. */
  readonly answer: (question: DirectoryQuestion) => Promise<Answered>;
  /** A link with a server of this name here has come or has ended. */
  readonly linkChanged: (server: string, linked: boolean) => void;
  /** Asks a linked server, by its name here, for the keys of one of its accounts, and keeps them. */
  readonly askKeys: (server: string, account: string) => Promise<unknown>;
  readonly keysOf: KeysOf;
  readonly dial: (wanted: Wanted, signal: AbortSignal) => Promise<PeerChannel>;
  /** Whether this server's fingerprint is smaller than the peer's, which settles who of two dials. */
  readonly ownIsSmaller: (row: PeerRow) => boolean;
}

/** How one link stands. Times in milliseconds since 1970. */
export interface LinkStatus {
  readonly fingerprint: string;
  readonly state: "linked" | "dialling" | "waiting" | "off";
  readonly since?: number;
  readonly dialled?: Dialled;
  readonly remote?: string;
  /** What went wrong last; on a link that stands, what the peer does too much of. */
  readonly trouble?: Trouble;
  readonly nextAt?: number;
}

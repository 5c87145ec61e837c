/** Requests about conversations, carried out alike for a session of this server and for an account of a linked one. */
import type { Logger } from "../../lib/base/log.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { Actor, Refused, Storage } from "../operations/contract.ts";
import type { Answer, HandOn } from "./answer.ts";
import type { StagedCommits } from "./staging.ts";

/** On whose behalf, and with what. */
export interface Asker {
  readonly actor: Actor;
  readonly storage: Storage;
  /** What its device has sent ahead. */
  readonly staged: StagedCommits;
  readonly logger: Logger;
  /**
   * Makes sure that devices which a commit adds are known here; what it answers refuses the commit. Absent for sessions here:
   * they have claimed key packages of other servers' devices through this one.
   */
  readonly meet?: (certificates: readonly Uint8Array[]) => Promise<Refused | undefined>;
}

/** A request as servers hand it on. */
export type Handed = Extract<
  Message<"peer.ask">["ask"],
  { readonly kind: "request" }
>["message"];

/** The types of requests that servers hand on. */
export type HandedType = Handed["type"];

/** The request of type `T`, with its body. */
export interface HandedRequest<T extends HandedType = HandedType> {
  readonly message: Extract<Handed, { readonly type: T }>;
  readonly body: Uint8Array;
}

/** Carries a request out. Calls the storage side before it first waits, so that requests keep their order. */
export type Carrier<T extends HandedType> = (
  asker: Asker,
  request: HandedRequest<T>,
) => Promise<Answer<T> | HandOn>;

/** One for each type in `T`. */
export type Carriers<T extends HandedType = HandedType> = { readonly [K in T]: Carrier<K> };

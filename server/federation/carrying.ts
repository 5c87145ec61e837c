/** Requests of a linked server's accounts, carried out here. */
import type { Clock } from "../../lib/base/clock.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Logger } from "../../lib/base/log.ts";
import type { Actor, Outcome, Storage } from "../operations/contract.ts";
import { refused } from "../requests/answer.ts";
import { carry } from "../requests/carry.ts";
import { toReply } from "../requests/replies.ts";
import { StagedCommits } from "../requests/staging.ts";
import { Allowed } from "./allowed.ts";
import type { Answered, Question } from "./asking.ts";
import { Introductions, type KeysOf } from "./introductions.ts";

/** A question that is a request. */
export type RequestQuestion = Extract<Question, { readonly kind: "request" }>;

/** Parties that are remembered by their certificates; when there are more, all are asked for again. */
const mostParties = 4096;

const lookUps = { most: peerLimits.partiesPerSecond, windowMs: 1000 };

/** What carrying out works with. */
export interface CarryingOptions {
  /** The peer's storage key, and its identity (32 bytes). */
  readonly peer: number;
  readonly identity: Uint8Array;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Finds the keys of accounts of third servers. */
  readonly keysOf: KeysOf;
}

/** Requests of one link's peer. */
export class Carrying {
  readonly #options: CarryingOptions;
  readonly #staged: StagedCommits;
  readonly #introductions: Introductions;
  readonly #lookUps: Allowed;
  /** By certificate. What one of them asks waits for the same answer, and so keeps its order. */
  readonly #parties = new Map<string, Promise<Outcome<Actor>>>();

  constructor(options: CarryingOptions) {
    this.#options = options;
    this.#staged = new StagedCommits(options.clock, peerLimits.stagedBytes);
    this.#introductions = new Introductions(options);
    this.#lookUps = new Allowed(options.clock, lookUps);
  }

  /** Carries one out as for a client of this server. Rejects where storage fails. */
  async carry({ certificate, message }: RequestQuestion, body: Uint8Array): Promise<Answered> {
    const party = await this.#party(certificate);
    if (!party.ok) return party;
    const { ok: _, ...actor } = party;
    const { storage, logger } = this.#options;
    const meet = this.#introductions.meet.bind(this.#introductions);
    const asker = { actor, storage, logger, staged: this.#staged, meet };
    const answer = await carry(message.type, asker, { message, body });
    if (!answer.ok) return answer;
    const { asked } = answer;
    return {
      ok: true,
      answer: {
        kind: "request",
        reply: toReply(message.type, answer),
        ...(asked === undefined ? {} : { asked }),
      },
      ...(answer.body === undefined ? {} : { body: answer.body }),
    };
  }

  #party(certificate: string): Promise<Outcome<Actor>> {
    const known = this.#parties.get(certificate);
    if (known !== undefined) return known;
    const retryAfterMs = this.#lookUps.count();
    if (retryAfterMs > 0) return Promise.resolve(refused("rate_limited", { retryAfterMs }));
    if (this.#parties.size >= mostParties) this.#parties.clear();
    const { storage, peer } = this.#options;
    const party = storage.call("peer.party", { peer, certificate });
    this.#parties.set(certificate, party);
    const forget = () => {
      if (this.#parties.get(certificate) === party) this.#parties.delete(certificate);
    };
    party.then(({ ok }) => ok || forget(), forget);
    return party;
  }
}

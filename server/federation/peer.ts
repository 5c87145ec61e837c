/** One linked server as this process sees it: dials it when there is no link, and keeps at most one. */
import { toBase64url } from "../../lib/base/bytes.ts";
import { backoffMs } from "../../lib/base/backoff.ts";
import { pause } from "../../lib/base/clock.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { connectionLimits, peerLimits } from "../../lib/base/limits.ts";
import { KeyedMutex } from "../../lib/base/mutex.ts";
import { lobbyCapability, newerStays } from "../domain/peers.ts";
import type { PeerRow } from "../operations/contract.ts";
import type { ArrivedAnswer, Question } from "./asking.ts";
import { askInPieces } from "./pieces.ts";
import { Excess, type Trouble } from "./excess.ts";
import { ChangedIdentity } from "./dialing.ts";
import { closeChannel, type PeerChannel } from "./channel.ts";
import { Link } from "./link.ts";
import { type Greeted, readGreeting, sendGreeting } from "./greeting.ts";
import type { LinkStatus, Surroundings } from "./surroundings.ts";

/** Codes of a peer that is there and does not want a link: asking often would help nobody. */
const unwanted = new Set([
  "peer_unknown",
  "peer_paused",
  "peer_blocked",
  "peer_self",
  "unsupported_version",
]);

/** Whoever has the greater identity waits this much longer before dialling again, in milliseconds: one link is enough. */
const courtesyMs = 1_500;

/** Why there is no link with a peer that is not active. */
function closedBy({ state }: PeerRow): AppError {
  return new AppError(state === "blocked" ? "peer_blocked" : "peer_paused");
}

/** A linked server. */
export class Peer {
  readonly #around: Surroundings;
  #row: PeerRow;
  #link: { readonly link: Link; readonly since: number } | undefined;
  #trouble: Trouble | undefined;
  #nextAt: number | undefined;
  /** Ends the dialling; made anew when it begins again. */
  #dialing: AbortController | undefined;
  #wake = () => {};
  readonly #settling = new KeyedMutex();
  #ended = false;

  constructor(row: PeerRow, around: Surroundings) {
    this.#row = row;
    this.#around = around;
    this.#beginDialing();
  }

  /** What is stored of it. */
  get row(): PeerRow {
    return this.#row;
  }

  /** How it stands, for the operator. */
  status(): LinkStatus {
    const { fingerprint } = this.#row;
    if (this.#link !== undefined) {
      const { link: { dialled, remote, trouble }, since } = this.#link;
      const held = trouble === undefined ? {} : { trouble };
      return { fingerprint, state: "linked", since, dialled, remote, ...held };
    }
    const { code, text, at } = this.#trouble ?? {};
    return {
      fingerprint,
      state: this.#row.state !== "active"
        ? "off"
        : this.#nextAt === undefined
        ? "dialling"
        : "waiting",
      ...(code === undefined ? {} : { trouble: { code, text: text ?? "", at: at ?? 0 } }),
      ...(this.#nextAt === undefined ? {} : { nextAt: this.#nextAt }),
    };
  }

  /** What is stored of it has changed. */
  update(row: PeerRow): void {
    const before = this.#row;
    this.#row = row;
    if (row.state !== "active") return this.#halt(closedBy(row));
    if (before.state !== "active" || before.address !== row.address) this.#beginDialing();
  }

  /** Something waits in its outbox. */
  stir(): void {
    this.#link?.link.stir();
  }

  /**
   * Asks it. What is without an answer when another link takes the place of this one is asked there once more, as a client
   * would: the answer is that of the first time. Rejects with `server_away`, or as it refuses (`RefusedByPeer`).
   */
  async ask(question: Question, body?: Uint8Array): Promise<ArrivedAnswer> {
    const link = this.#link?.link;
    if (link !== undefined) {
      try {
        return await askInPieces(link, question, body);
      } catch (thrown) {
        const over = thrown instanceof AppError && thrown.code === "server_away";
        if (!over || this.#link?.link === link) throw thrown;
      }
    }
    // The one that takes its place may be about to.
    await this.#settling.run("link", () => Promise.resolve());
    const next = this.#link?.link;
    if (next === undefined || next === link) throw new AppError("server_away");
    return await askInPieces(next, question, body);
  }

  /** Takes a line that the peer dialled and has greeted on, or refuses it. Never rejects. */
  async accept(channel: PeerChannel, greeted: Greeted): Promise<void> {
    try {
      if (this.#row.state !== "active") throw closedBy(this.#row);
      await this.#establish(channel, greeted);
    } catch (thrown) {
      const error = asAppError(thrown);
      if (error.code !== "peer_duplicate") this.#note(error);
      await closeChannel(channel, error);
    }
  }

  /** Ends the link and dials no more. */
  async end(why: AppError): Promise<void> {
    this.#ended = true;
    const link = this.#link?.link;
    this.#halt(why);
    await link?.ended;
  }

  #halt(why: AppError): void {
    this.#dialing?.abort(why);
    this.#dialing = undefined;
    void this.#link?.link.close(why);
  }

  // --- dialling

  #beginDialing(): void {
    this.#dialing?.abort(new AppError("timeout"));
    this.#dialing = undefined;
    this.#trouble = undefined;
    if (this.#row.address === null || this.#row.state !== "active" || this.#ended) return;
    this.#dialing = new AbortController();
    void this.#dialForEver(this.#dialing.signal);
  }

  async #dialForEver(signal: AbortSignal): Promise<void> {
    // Whoever was linked before this side went away may have dialled already: then that line is the link, and stays it.
    if (this.#row.linkedAt !== null) {
      await pause(this.#around.clock, peerLimits.dialFirstMs / 2, signal).catch(() => undefined);
    }
    for (let attempt = 0; !signal.aborted;) {
      await this.#withoutLink(signal);
      if (signal.aborted) return;
      const error = await this.#dialOnce(signal);
      attempt = error === undefined ? 0 : attempt + 1;
      if (signal.aborted) return;
      await this.#waitAfter(error, attempt, signal);
    }
  }

  /** Resolves when there is no link. */
  async #withoutLink(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wake();
    signal.addEventListener("abort", onAbort, { once: true });
    while (this.#link !== undefined && !signal.aborted) {
      await new Promise<void>((go) => this.#wake = go);
    }
    signal.removeEventListener("abort", onAbort);
  }

  /** Dials and greets; undefined when there is a link then. */
  async #dialOnce(signal: AbortSignal): Promise<AppError | undefined> {
    const { address, fingerprint } = this.#row;
    if (address === null) return new AppError("not_found");
    let channel: PeerChannel | undefined;
    try {
      this.#nextAt = undefined;
      channel = await this.#around.dial({ address, fingerprint }, signal);
      await this.#establish(channel);
      return undefined;
    } catch (thrown) {
      const error = asAppError(thrown);
      if (channel !== undefined) await closeChannel(channel, error);
      if (signal.aborted) return error;
      // Whoever reads in the log that it stopped finds it stopped.
      if (error instanceof ChangedIdentity) await this.#stopChanged(error.seen);
      this.#note(error);
      return error;
    }
  }

  /** Nobody is told anything by a server that is not the one that was meant. */
  async #stopChanged(seen: string): Promise<void> {
    const { storage } = this.#around;
    await storage.call("peer.update", { peer: this.#row.peer, state: "changed", seen });
  }

  async #waitAfter(
    error: AppError | undefined,
    attempt: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, ownIsSmaller } = this.#around;
    const { dialFirstMs: firstMs, dialMaxMs: maxMs, refusedMs } = peerLimits;
    const ms = error === undefined || error.code === "peer_duplicate"
      ? backoffMs(0, { firstMs, maxMs })
      : unwanted.has(error.code)
      ? refusedMs
      : backoffMs(attempt - 1, { firstMs, maxMs });
    // After a link that ended, both would dial at the same moment.
    const courtesy = ownIsSmaller(this.#row) || attempt > 1 ? 0 : courtesyMs;
    if (this.#link === undefined) this.#nextAt = clock.now() + ms + courtesy;
    await pause(clock, ms + courtesy, signal).catch(() => undefined);
  }

  // --- the link

  /** Greets on a line and makes it the link, unless another one stays. Throws `AppError`. */
  async #establish(channel: PeerChannel, heard?: Greeted): Promise<void> {
    const { storage, clock, facts } = this.#around;
    const position = await storage.call("peer.position", { peer: this.#row.peer });
    if (!position.ok) throw new AppError(position.code);
    sendGreeting(channel, facts, position);
    const greeted = heard ?? await readGreeting(channel, clock);
    // One after another: both may have dialled at the same moment.
    await this.#settling.run("link", () => this.#settle(channel, greeted));
  }

  async #settle(channel: PeerChannel, { hello, rest }: Greeted): Promise<void> {
    const { lobby, ...around } = this.#around;
    const { storage } = around;
    const { peer } = this.#row;
    await this.#makeRoom(channel);
    const { stream, first, received, name: declared } = hello;
    const identity = toBase64url(channel.identity);
    const linked = await storage.call("peer.linked", {
      peer,
      identity,
      declared,
      theirs: { stream, first, received },
      lobby: lobby && hello.capabilities.includes(lobbyCapability),
    });
    if (!linked.ok) throw new AppError(linked.code);
    if (linked.after === null) throw new AppError("timeout", { text: "the link begins anew" });
    if (this.#ended || this.#row.state !== "active") throw closedBy(this.#row);
    // One that was added by its fingerprint alone is known from here on.
    this.#row = { ...this.#row, identity };
    const askKeys = (account: string) => this.#around.askKeys(this.#row.name, account);
    const after = linked.after;
    const excess = new Excess({ ...around, peer: this.#row.name });
    this.#hold(new Link({ ...around, peer, channel, after, hello, rest, askKeys, excess }));
  }

  /** Ends the older link where this one is to stay. Throws `AppError("peer_duplicate")` where the older one stays. */
  async #makeRoom(channel: PeerChannel): Promise<void> {
    const older = this.#link?.link;
    if (older === undefined) return;
    const both = { older: older.dialled, newer: channel.dialled };
    const stays = newerStays(both, this.#around.ownIsSmaller(this.#row)) ||
      !await older.probe(connectionLimits.probeMs);
    if (!stays) throw new AppError("peer_duplicate");
    void older.close(new AppError("peer_duplicate"));
    if (this.#link?.link === older) this.#link = undefined;
  }

  #hold(link: Link): void {
    const { clock, logger, linkChanged } = this.#around;
    const { name } = this.#row;
    const replaced = this.#link?.link;
    const held = { link, since: clock.now() };
    this.#link = held;
    this.#trouble = undefined;
    this.#nextAt = undefined;
    void replaced?.close(new AppError("peer_duplicate"));
    logger.log("info", "peer_linked", { peer: name, dialled: link.dialled, remote: link.remote });
    linkChanged(name, true);
    void link.ended.then((error) => {
      logger.log("info", "peer_link_ended", { peer: name, code: error.code, text: error.message });
      if (this.#link !== held) return;
      this.#link = undefined;
      linkChanged(name, false);
      this.#note(error);
      this.#wake();
    });
  }

  #note(error: AppError): void {
    const { clock, logger } = this.#around;
    const { code, message: text } = error;
    this.#trouble = { code, text, at: clock.now() };
    const level = error instanceof ChangedIdentity ? "error" : "debug";
    const seen = error instanceof ChangedIdentity ? error.seen : undefined;
    logger.log(level, "peer_not_linked", { peer: this.#row.name, code, text, seen });
  }
}

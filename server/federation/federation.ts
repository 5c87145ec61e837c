/** All linked servers of this one: those that it dials, and those that dial it. */
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { peerLimits } from "../../lib/base/limits.ts";
import type { Logger } from "../../lib/base/log.ts";
import { toBase64url } from "../../lib/base/bytes.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import type { SigningKey } from "../../lib/crypto/sign.ts";
import { lobbyCapability } from "../domain/peers.ts";
import { type Allowance, waitForWindow, type Window, windowAt } from "../domain/rate.ts";
import type { Nudge, PeerRow, Storage } from "../operations/contract.ts";
import { answerer, type DirectoryQuestion } from "./answers.ts";
import type { Answered, ArrivedAnswer, Question } from "./asking.ts";
import { KeptAnswers } from "./kept_answers.ts";
import { closeChannel, type PeerChannel } from "./channel.ts";
import { dialPeer, type Wanted } from "./dialing.ts";
import { type Greeted, readGreeting } from "./greeting.ts";
import type { KeysFound } from "./introductions.ts";
import { Peer } from "./peer.ts";
import type { LinkedServer, PeerAnswer } from "./pipe_messages.ts";
import type { LinkStatus, Surroundings } from "./surroundings.ts";

/** What federation is made of. */
export interface FederationOptions {
  readonly identity: SigningKey;
  readonly serverName: string;
  /** Whether servers that nobody has added may link by themselves. */
  readonly open: boolean;
  /** Whether the lobby is mirrored. */
  readonly lobby: boolean;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Told of every link that comes or ends, by the server's name here. */
  readonly linkChanged?: (server: string, linked: boolean) => void;
  /** Replaces real dialling in tests. */
  readonly dial?: (wanted: Wanted, signal: AbortSignal) => Promise<PeerChannel>;
}

const incoming: Allowance = { most: peerLimits.incomingPerHour, windowMs: 60 * 60 * 1000 };

/** Links of this server. */
export class Federation {
  readonly #options: FederationOptions;
  #open: boolean;
  readonly #clock: Clock;
  readonly #fingerprint: string;
  readonly #around: Surroundings;
  /** By fingerprint. */
  readonly #peers = new Map<string, Peer>();
  readonly #answers: KeptAnswers;
  #arrivals: Window | undefined;
  #loading: Promise<void> | undefined;
  #closed = false;

  constructor(options: FederationOptions) {
    const { identity, storage, logger, lobby, clock = systemClock } = options;
    this.#options = options;
    this.#open = options.open;
    this.#clock = clock;
    this.#fingerprint = fingerprintHex(identity.publicKey);
    this.#answers = new KeptAnswers(clock);
    this.#around = {
      answer: answerer({
        ...options,
        askThird: (server, question) => this.#askThird(server, question),
      }),
      keysOf: (identity, account) => this.#keysOf(identity, account),
      askKeys: (server, account) => this.ask(server, { kind: "keys", account }),
      storage,
      logger,
      clock,
      lobby,
      linkChanged: options.linkChanged ?? (() => {}),
      facts: { name: options.serverName, capabilities: lobby ? [lobbyCapability] : [] },
      dial: options.dial ??
        ((wanted, signal) => dialPeer(wanted, { identity, clock, signal })),
      ownIsSmaller: ({ fingerprint }) => this.#fingerprint < fingerprint,
    };
    storage.onNudges((nudges) => this.#nudged(nudges));
  }

  /** Whether servers that nobody has added may link by themselves, from now on. Links that are there stay. */
  admitAll(open: boolean): void {
    this.#open = open;
  }

  /** Begins to dial. */
  start(): Promise<void> {
    return this.#load();
  }

  /** How all links stand. */
  links(): LinkStatus[] {
    return [...this.#peers.values()].map((peer) => peer.status());
  }

  /** Takes a line that another server dialled, or refuses it. Never rejects. */
  async take(channel: PeerChannel): Promise<void> {
    try {
      const fingerprint = fingerprintHex(channel.identity);
      if (this.#closed) throw new AppError("server_closing");
      if (fingerprint === this.#fingerprint) throw new AppError("peer_self");
      // One that was added a moment ago may be quicker than the look at who is: it would not ask again for minutes.
      if (!this.#peers.has(fingerprint)) await this.#loading;
      const known = this.#peers.get(fingerprint);
      if (known === undefined && !this.#open) throw new AppError("peer_unknown");
      const greeted = await readGreeting(channel, this.#clock);
      const peer = known ?? await this.#admit(channel, greeted);
      await peer.accept(channel, greeted);
    } catch (thrown) {
      const error = asAppError(thrown);
      this.#logRefused(channel, error);
      await closeChannel(channel, error);
    }
  }

  /**
   * Asks a linked server by its name here. An answer about keys is kept for while that server is away. Rejects with
   * `no_such_server`, `server_blocked`, `server_away`, or as it refuses (`RefusedByPeer`).
   */
  async ask(server: string, question: Question, body?: Uint8Array): Promise<PeerAnswer> {
    // Clients may be quicker than the look at who is linked: they would be told that a server is not, which is final.
    await this.#loading;
    const peer = [...this.#peers.values()].find(({ row }) => row.name === server);
    if (peer?.row.state === "blocked") throw new AppError("server_blocked");
    if (peer === undefined || peer.row.identity === null) return this.#askThrough(server, question);
    const { identity } = peer.row;
    if (question.kind !== "keys") return { identity, ...await peer.ask(question, body) };
    return { identity, ...await this.#askKeys(peer, question) };
  }

  /** A server that is known by the word of linked ones alone is asked through them: what it proves it proves by itself. */
  async #askThrough(server: string, question: Question): Promise<PeerAnswer> {
    const directory = question.kind === "consistency" ||
      (question.kind === "keys" && question.account !== undefined);
    if (!directory) throw new AppError("no_such_server");
    const named = await this.#options.storage.call("peer.through", { name: server });
    if (!named.ok) throw new AppError("no_such_server");
    const { identity, through } = named;
    const peer = [...this.#peers.values()].find((each) =>
      through.includes(each.row.peer) && each.status().state === "linked"
    );
    if (peer === undefined) throw new AppError("server_away");
    const asked = { ...question, server: identity };
    if (asked.kind === "keys") return { identity, ...await this.#askKeys(peer, asked) };
    return { identity, ...await peer.ask(asked) };
  }

  /** What a linked server wants to know of a third one: asked there, and nowhere else. */
  async #askThird(identity: string, question: DirectoryQuestion): Promise<Answered> {
    const peer = [...this.#peers.values()].find(({ row }) => row.identity === identity);
    if (peer?.row.state !== "active") return { ok: false, code: "no_such_server" };
    const { answer } = question.kind === "keys"
      ? await this.#askKeys(peer, question)
      : await peer.ask(question);
    return { ok: true, answer };
  }

  /** What the linked server with this identity says of one of its accounts. */
  async #keysOf(identity: string, account: string): Promise<KeysFound | undefined> {
    const peer = [...this.#peers.values()].find(({ row }) => row.identity === identity);
    if (peer === undefined || peer.row.state !== "active") return undefined;
    const { answer } = await this.#askKeys(peer, { kind: "keys", account });
    return answer.kind === "keys" ? { peer: peer.row.peer, ...answer } : undefined;
  }

  async #askKeys(peer: Peer, question: Question): Promise<ArrivedAnswer> {
    const subject = `${peer.row.fingerprint} ${JSON.stringify(question)}`;
    try {
      const said = await peer.ask(question);
      this.#answers.keep(subject, said.answer);
      return said;
    } catch (thrown) {
      const error = asAppError(thrown);
      const known = error.code === "server_away" ? this.#answers.find(subject) : undefined;
      if (known !== undefined) return { answer: known, body: new Uint8Array(0) };
      throw error;
    }
  }

  /** The servers that were met, in order of their names here. */
  async servers(): Promise<LinkedServer[]> {
    await this.#loading;
    return [...this.#peers.values()].flatMap((peer) => {
      const { identity, name, state } = peer.row;
      const linked = peer.status().state === "linked";
      return identity === null || state !== "active" ? [] : [{ name, identity, linked }];
    }).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** Ends all links. */
  async close(): Promise<void> {
    this.#closed = true;
    const why = new AppError("server_closing");
    await Promise.all([...this.#peers.values()].map((peer) => peer.end(why)));
  }

  /** Keeps a server that came by itself. */
  async #admit(channel: PeerChannel, { hello }: Greeted): Promise<Peer> {
    const now = this.#clock.monotonic();
    const window = windowAt(this.#arrivals, now, incoming);
    const retryAfterMs = waitForWindow(window, now, incoming);
    if (retryAfterMs > 0) throw new AppError("rate_limited", { retryAfterMs });
    this.#arrivals = { ...window, count: window.count + 1 };
    const fingerprint = fingerprintHex(channel.identity);
    const added = await this.#options.storage.call("peer.add", {
      fingerprint,
      identity: toBase64url(channel.identity),
      name: undefined,
      declared: hello.name,
      address: null,
      pin: "incoming",
    });
    if (!added.ok && added.code !== "peer_duplicate") throw new AppError(added.code);
    if (added.ok) {
      const { name } = added.peer;
      this.#options.logger.log("warning", "peer_came_by_itself", { peer: name, fingerprint });
    }
    await this.#load();
    const peer = this.#peers.get(fingerprint);
    if (peer === undefined) throw new AppError("peer_unknown");
    return peer;
  }

  #logRefused(channel: PeerChannel, { code }: AppError): void {
    const fingerprint = fingerprintHex(channel.identity);
    const { remote } = channel;
    this.#options.logger.log("warning", "peer_refused", { remote, fingerprint, code });
  }

  #nudged(nudges: readonly Nudge[]): void {
    for (const nudge of nudges) {
      if (nudge.kind === "peers") void this.#load();
      else if (nudge.kind === "outbox") this.#stir(nudge.peer);
    }
  }

  #stir(key: number): void {
    for (const peer of this.#peers.values()) if (peer.row.peer === key) peer.stir();
  }

  /** Looks at what is stored; one look at a time, and one more when something changed meanwhile. */
  async #load(): Promise<void> {
    const before = this.#loading;
    const loading = (async () => {
      await before;
      const { peers } = await this.#options.storage.call("peer.list", {});
      if (!this.#closed) this.#compare(peers);
    })().catch((thrown: unknown) => {
      this.#options.logger.log("error", "peers_not_loaded", { cause: String(thrown) });
    });
    this.#loading = loading;
    await loading;
  }

  #compare(rows: readonly PeerRow[]): void {
    const wanted = new Set(rows.map(({ fingerprint }) => fingerprint));
    for (const [fingerprint, peer] of this.#peers) {
      if (wanted.has(fingerprint)) continue;
      this.#peers.delete(fingerprint);
      void peer.end(new AppError("peer_unknown"));
    }
    for (const row of rows) {
      const known = this.#peers.get(row.fingerprint);
      if (known !== undefined && known.row.peer === row.peer) known.update(row);
      else {
        void known?.end(new AppError("peer_unknown"));
        this.#peers.set(row.fingerprint, new Peer(row, this.#around));
      }
    }
  }
}

/** The part of the contract that is about linked servers. */
import type { Actor, Outcome } from "./contract_base.ts";

/** How it came about that this is the right identity of a peer. */
export type PeerPin =
  /** The operator gave its fingerprint. */
  | "fingerprint"
  /** The operator gave its address; whoever answered first is it. */
  | "contact"
  /** It came by itself, and the operator lets such in. */
  | "incoming";

/** Where a peer stands. */
export type PeerState =
  | "active"
  /** The operator does not want the link for now. */
  | "paused"
  /** The operator wants nothing to do with it: there is no link, nothing waits for it, and it is not let in again. */
  | "blocked"
  /** Somebody else answers at its address: stopped until the operator has looked. */
  | "changed";

/** One linked server. Times in milliseconds since 1970. */
export interface PeerRow {
  /** Storage key. */
  readonly peer: number;
  /** 64 hexadecimal digits. */
  readonly fingerprint: string;
  /** Base64url of the identity key; null until it was met. */
  readonly identity: string | null;
  /** Its name on this server, unique here: what stands behind `@` in addresses. */
  readonly name: string;
  /** What it calls itself. */
  readonly declared: string;
  /** Where to dial it; null when it dials by itself. */
  readonly address: string | null;
  readonly pin: PeerPin;
  readonly state: PeerState;
  /** With `changed`: the fingerprint that was found instead. */
  readonly seen: string | null;
  readonly addedAt: number;
  readonly linkedAt: number | null;
  /** What waits for it. */
  readonly queued: number;
  readonly queuedBytes: number;
}

/** How far one side has got with what the other queued for it. */
export interface PeerReceipt {
  /** The id of the outbox. */
  readonly stream: string;
  /** The counter of the last item that is on disk. */
  readonly counter: number;
  /** SHA-256 of that item, base64url; "" for none. */
  readonly digest: string;
}

/** What both sides of a new link tell each other about their outboxes. */
export interface PeerPosition {
  /** The id of one's own outbox. */
  readonly stream: string;
  /** The counter of the oldest item that still waits in it, or of the next one. */
  readonly first: number;
  /** What was received of the other's; null before the first. */
  readonly received: PeerReceipt | null;
}

/** An item of an outbox. */
export interface PeerItem {
  readonly counter: number;
  /** JSON text of an object with a `kind`. */
  readonly item: string;
  readonly body: Uint8Array;
}

type Empty = Record<never, never>;

/** Operations about linked servers. */
export interface PeerOperations {
  /** Refuses a name or identity that is taken, and too many peers. `name` undefined: one is made from `declared`. */
  "peer.add": {
    in: {
      fingerprint: string;
      identity: string | null;
      name: string | undefined;
      declared: string;
      address: string | null;
      pin: PeerPin;
      /** It is only noted, so that it never gets in. */
      blocked?: boolean;
    };
    out: Outcome<{ peer: PeerRow }>;
  };
  "peer.list": { in: Empty; out: { peers: PeerRow[] } };
  /** What is learned of it, or what the operator decides. */
  "peer.update": {
    in: {
      peer: number;
      state?: PeerState;
      seen?: string;
      address?: string;
    };
    out: Outcome<{ peer: PeerRow }>;
  };
  /** Ends everything between the two and forgets what waits for it, until `peer.unblock`. Again: nothing to drop. */
  "peer.block": { in: { peer: number }; out: Outcome<{ dropped: number }> };
  /** Ends that: what both share is told anew. */
  "peer.unblock": { in: { peer: number }; out: Outcome<Empty> };
  /** Of a server that is known by the word of others alone: its identity, and those others (storage keys). */
  "peer.through": { in: { name: string }; out: Outcome<{ identity: string; through: number[] }> };
  /** Forgets it and everything that waits for it. */
  "peer.remove": { in: { peer: number }; out: Outcome<{ dropped: number }> };
  /** What to tell a peer at the beginning of a link. */
  "peer.position": { in: { peer: number }; out: Outcome<PeerPosition> };
  /** What the peer told: settles after which counter to send; null when the link has to begin anew. */
  "peer.linked": {
    in: {
      peer: number;
      identity: string;
      declared: string;
      theirs: PeerPosition;
      lobby: boolean;
    };
    out: Outcome<{ after: number | null }>;
  };
  /** Items after `after`, oldest first. */
  "peer.outgoing": {
    in: { peer: number; after: number; limit: number; maxBytes: number };
    out: { items: PeerItem[] };
  };
  /** The peer has these on disk. */
  "peer.acked": { in: { peer: number; counter: number }; out: Empty };
  /**
   * Takes items in, each once, in order. With `retryAfterMs` above 0 those after `received` are to be handed in again
   * after that time. A gap is refused with `malformed`.
   */
  "peer.receive": {
    in: { peer: number; items: PeerItem[] };
    out: Outcome<{ received: number; retryAfterMs: number }>;
  };
}

/** What a linked server asks for its accounts, and what this one asks of it. */
export interface HandedOnOperations {
  /** The account and device of the peer that a certificate names, remembered when they are new. */
  "peer.party": { in: { peer: number; certificate: string }; out: Outcome<Actor> };
  /** Those of these devices (keys) that were never seen here, of whatever server. */
  "peer.strangers": { in: { devices: string[] }; out: { strangers: string[] } };
  /** Whether the account may claim key packages of another server's account now, and its device's certificate. */
  "claim.ask": { in: Actor; out: Outcome<{ certificate: string }> };
  /** What a claim has shown: devices of the account `target` of the server with this identity (base64url). */
  "claim.learn": {
    in: Actor & {
      target: string;
      identity: string;
      /** Whether `target` is asked before the acting account may write to it. */
      asked: boolean;
      certificates: string[];
    };
    out: Outcome<Empty>;
  };
}

/** What the storage side tells about linked servers. */
export type PeerNudge =
  /** The operator has changed something. */
  | { readonly kind: "peers" }
  /** Something waits for this peer. */
  | { readonly kind: "outbox"; readonly peer: number };

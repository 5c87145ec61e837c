/** What the storage side tells gateways unasked. */
import type { PeerNudge } from "./contract_peers.ts";
import type {
  MemberState,
  MessageRow,
  NotificationRow,
  PostRow,
  UserRow,
} from "./contract_rows.ts";

/** A session as the registry knows it. */
export interface SessionKey {
  /** Which gateway worker holds it. */
  readonly gateway: number;
  /** The connection id within that gateway. */
  readonly session: string;
}

/** What the storage side tells every gateway after a commit. Losing one costs time, never a message. */
export type Nudge =
  | PeerNudge
  /** Rows up to `seq` exist; these devices (those with a live session) may read them. */
  | {
    readonly kind: "log";
    conversation: string;
    seq: number;
    devices: string[];
    /** The rows themselves, as far as they are messages, follow one another up to `seq` and are for all these devices. */
    rows?: MessageRow[];
  }
  | {
    readonly kind: "receipt";
    conversation: string;
    account: string;
    delivered: number;
    read: number;
    at: number;
    /** Of a member of another server: everything up to here is on that server's disk. */
    reached?: number;
    devices: string[];
  }
  /** Removals were queued. */
  | {
    readonly kind: "removals";
    conversation: string;
    removals: string[];
    leaving: string[];
    devices: string[];
  }
  /** How the account of these devices stands to the conversation now. */
  | { readonly kind: "state"; conversation: string; state: MemberState; devices: string[] }
  | { readonly kind: "lobby"; post: PostRow }
  | { readonly kind: "notification"; devices: string[]; notification: NotificationRow }
  | { readonly kind: "archive"; devices: string[]; position: number; revision: number }
  | { readonly kind: "presence"; user: UserRow }
  /** The file's row is gone, and its bytes may go. For the storage side itself: gateways never see it. */
  | { readonly kind: "discard"; file: string }
  | { readonly kind: "replaced"; target: SessionKey }
  | { readonly kind: "revoked"; device: string }
  | { readonly kind: "disabled"; device: string }
  | { readonly kind: "deleted"; device: string }
  | { readonly kind: "probe"; target: SessionKey; probe: string }
  | { readonly kind: "probed"; probe: string; alive: boolean };

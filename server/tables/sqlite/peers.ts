/** Linked servers in SQLite. */
import type { Database } from "../../../lib/sql/database.ts";
import type { PeerItem, PeerPin } from "../../operations/contract.ts";
import { itemDigest } from "../../domain/peers.ts";
import { isListed, type NewPeer, type Peer, type PeerRowOf, type Peers } from "../peers.ts";

/** Linked servers, what waits for them, and accounts of theirs that are known here. */
export const peersSchema = `
CREATE TABLE peers (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint TEXT NOT NULL UNIQUE,
  identity TEXT,
  name TEXT NOT NULL UNIQUE,
  declared TEXT NOT NULL,
  address TEXT,
  pin TEXT NOT NULL,
  state TEXT NOT NULL,
  seen TEXT,
  stream TEXT NOT NULL,
  counter INTEGER NOT NULL DEFAULT 0,
  acked INTEGER NOT NULL DEFAULT 0,
  acked_digest TEXT NOT NULL DEFAULT '',
  their_stream TEXT,
  received INTEGER NOT NULL DEFAULT 0,
  received_digest TEXT NOT NULL DEFAULT '',
  lobby INTEGER NOT NULL DEFAULT 0,
  added_at INTEGER NOT NULL,
  linked_at INTEGER,
  queued INTEGER NOT NULL DEFAULT 0,
  queued_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What waits for a peer: key = peer * 2^36 + counter.
CREATE TABLE peer_outbox (
  key INTEGER PRIMARY KEY,
  ts INTEGER NOT NULL,
  digest TEXT NOT NULL,
  item TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;

-- Storage key of the peer whose account it is; NULL for this server's own.
ALTER TABLE accounts ADD COLUMN peer INTEGER;
`;

/** Items that do not stay. */
export const itemLifetimes = `
-- When the body is forgotten; null for never. What has lost it keeps in \`digest\` what it was known by with and without it.
ALTER TABLE peer_outbox ADD COLUMN until INTEGER;
CREATE INDEX peer_outbox_until ON peer_outbox (until) WHERE until IS NOT NULL;
`;

interface Row {
  key: number;
  fingerprint: string;
  identity: string | null;
  name: string;
  declared: string;
  address: string | null;
  pin: string;
  state: string;
  seen: string | null;
  stream: string;
  counter: number;
  acked: number;
  acked_digest: string;
  their_stream: string | null;
  received: number;
  received_digest: string;
  lobby: number;
  added_at: number;
  linked_at: number | null;
  queued: number;
  queued_bytes: number;
  parts: number;
}

interface ItemRow {
  key: number;
  item: string;
  body: Uint8Array;
}

const nothing = new Uint8Array(0);

/** One key for peer and counter, so that an outbox lies together: counters up to 2^36 - 1 of 2^16 peers. */
const span = 2 ** 36;

/** Linked servers; there are few of them, so all are kept as working copies. */
export class SqlitePeers implements Peers {
  readonly #database: Database;
  #copies: Map<number, Peer> | undefined;
  readonly #changed = new Set<Peer>();

  constructor(database: Database) {
    this.#database = database;
  }

  byKey(key: number): Peer | undefined {
    return this.#all().get(key);
  }

  byFingerprint(fingerprint: string): Peer | undefined {
    return [...this.#all().values()].find((peer) => peer.fingerprint === fingerprint);
  }

  byName(name: string): Peer | undefined {
    return [...this.#all().values()].find((peer) => peer.name === name);
  }

  list(): Peer[] {
    return [...this.#all().values()].filter(isListed).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  named(): number {
    return [...this.#all().values()].filter(({ state }) => state === "named").length;
  }

  add(peer: NewPeer): Peer {
    this.flush();
    const { lastRowid } = this.#database.prepare(
      `INSERT INTO peers (fingerprint, identity, name, declared, address, pin, state, stream, added_at)
       VALUES (?, ?, ?, ?, ?, ?, 'active', ?, ?)`,
    ).run(
      peer.fingerprint,
      peer.identity,
      peer.name,
      peer.declared,
      peer.address,
      peer.pin,
      peer.stream,
      peer.addedAt,
    );
    const copy: Peer = {
      ...peer,
      key: lastRowid,
      state: "active",
      seen: null,
      counter: 0,
      acked: 0,
      ackedDigest: "",
      received: null,
      lobby: false,
      linkedAt: null,
      queued: 0,
      queuedBytes: 0,
      toldAt: 0,
      untold: new Map(),
      untoldSince: 0,
      mayBeBehind: false,
      parts: 0,
    };
    this.#all().set(copy.key, copy);
    return copy;
  }

  save(peer: Peer): void {
    this.#changed.add(peer);
  }

  clearOutbox(key: number): void {
    this.#database.prepare("DELETE FROM peer_outbox WHERE key >= ? AND key < ?")
      .run(key * span, (key + 1) * span);
  }

  push(
    peer: number,
    item: Parameters<Peers["push"]>[1],
  ): void {
    this.#database.prepare(
      `INSERT INTO peer_outbox (key, ts, digest, item, body, conversation, seq, until)
       VALUES (?, ?, '', ?, ?, ?, ?, ?)`,
    ).run(
      peer * span + item.counter,
      item.ts,
      item.item,
      item.body,
      item.row?.conversation ?? null,
      item.row?.seq ?? null,
      item.until ?? null,
    );
  }

  emptyOver(now: number, limit: number): { readonly peer: number; readonly bytes: number }[] {
    const over = this.#database.prepare(
      "SELECT key, item, body FROM peer_outbox WHERE until <= ? ORDER BY until LIMIT ?",
    ).all<ItemRow>(now, limit);
    const empty = this.#database.prepare(
      "UPDATE peer_outbox SET body = x'', until = NULL, digest = ? WHERE key = ?",
    );
    return over.map(({ key, item, body }) => {
      // The peer may have got it before.
      const digests = [itemDigest({ item, body }), itemDigest({ item, body: nothing })];
      empty.run(digests.join(" "), key);
      return { peer: Math.floor(key / span), bytes: body.length };
    });
  }

  lastBefore(peer: number, ts: number, limit: number): number | undefined {
    const rows = this.#database.prepare(
      "SELECT key, ts FROM peer_outbox WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
    );
    const [from, to] = [peer * span, (peer + 1) * span];
    const [first] = rows.all<{ key: number; ts: number }>(from, to, 1);
    if (first === undefined || first.ts >= ts) return undefined;
    const old = rows.all<{ key: number; ts: number }>(from, to, limit).filter((row) => row.ts < ts);
    return (old.at(-1)?.key ?? from) - from;
  }

  items(
    peer: number,
    { after, limit, maxBytes }: {
      readonly after: number;
      readonly limit: number;
      readonly maxBytes: number;
    },
  ): PeerItem[] {
    const rows = this.#database.prepare(
      "SELECT key, item, body FROM peer_outbox WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
    ).all<ItemRow>(peer * span + after, (peer + 1) * span, limit);
    const items: PeerItem[] = [];
    let bytes = 0;
    for (const { key, item, body } of rows) {
      bytes += item.length + body.length;
      if (items.length > 0 && bytes > maxBytes) break;
      items.push({ counter: key - peer * span, item, body });
    }
    return items;
  }

  digest(peer: number, counter: number): string | undefined {
    // Only one in a great many is ever asked for.
    const row = this.#database.prepare("SELECT digest, item, body FROM peer_outbox WHERE key = ?")
      .get<{ digest: string; item: string; body: Uint8Array }>(peer * span + counter);
    return row === undefined || row.digest !== "" ? row?.digest : itemDigest(row);
  }

  drop(peer: number, through: number): {
    readonly count: number;
    readonly bytes: number;
    readonly digest: string | undefined;
    readonly rows: readonly PeerRowOf[];
  } {
    const [from, to] = [peer * span, peer * span + through];
    const sums = this.#database.prepare(
      `SELECT count(*) AS count, coalesce(sum(length(item) + length(body)), 0) AS bytes
       FROM peer_outbox WHERE key > ? AND key <= ?`,
    ).get<{ count: number; bytes: number }>(from, to) ?? { count: 0, bytes: 0 };
    const digest = this.digest(peer, through);
    const rows = this.#database.prepare(
      `SELECT conversation, max(seq) AS seq FROM peer_outbox
       WHERE key > ? AND key <= ? AND conversation IS NOT NULL GROUP BY conversation`,
    ).all<PeerRowOf & object>(from, to);
    this.#database.prepare("DELETE FROM peer_outbox WHERE key > ? AND key <= ?").run(from, to);
    return { ...sums, digest, rows };
  }

  /** Writes what was saved. */
  flush(): void {
    if (this.#changed.size === 0) return;
    const update = this.#database.prepare(
      `UPDATE peers SET name = ?, pin = ?, added_at = ?, identity = ?, declared = ?, address = ?, state = ?, seen = ?, stream = ?,
         counter = ?, acked = ?, acked_digest = ?, their_stream = ?, received = ?,
         received_digest = ?, lobby = ?, linked_at = ?, queued = ?, queued_bytes = ?
       WHERE key = ?`,
    );
    for (const peer of this.#changed) {
      update.run(
        peer.name,
        peer.pin,
        peer.addedAt,
        peer.identity,
        peer.declared,
        peer.address,
        peer.state,
        peer.seen,
        peer.stream,
        peer.counter,
        peer.acked,
        peer.ackedDigest,
        peer.received?.stream ?? null,
        peer.received?.counter ?? 0,
        peer.received?.digest ?? "",
        peer.lobby ? 1 : 0,
        peer.linkedAt,
        peer.queued,
        peer.queuedBytes,
        peer.key,
      );
    }
    this.#changed.clear();
  }

  /** Forgets everything, after a rollback. */
  forget(): void {
    this.#changed.clear();
    this.#copies = undefined;
  }

  #all(): Map<number, Peer> {
    this.#copies ??= new Map(
      this.#database.prepare(
        `SELECT *, (SELECT coalesce(sum(length(bytes)), 0) FROM peer_parts WHERE peer = peers.key)
           AS parts FROM peers`,
      ).all<Row>().map((row) => [row.key, copyOf(row)]),
    );
    return this.#copies;
  }
}

function copyOf(row: Row): Peer {
  return {
    key: row.key,
    fingerprint: row.fingerprint,
    identity: row.identity,
    name: row.name,
    declared: row.declared,
    address: row.address,
    // Written by this class alone.
    pin: row.pin as PeerPin,
    state: row.state as Peer["state"],
    seen: row.seen,
    stream: row.stream,
    counter: row.counter,
    acked: row.acked,
    ackedDigest: row.acked_digest,
    received: row.their_stream === null
      ? null
      : { stream: row.their_stream, counter: row.received, digest: row.received_digest },
    lobby: row.lobby !== 0,
    addedAt: row.added_at,
    linkedAt: row.linked_at,
    queued: row.queued,
    queuedBytes: row.queued_bytes,
    // What was under way before is told again where it is not known any more.
    toldAt: 0,
    untold: new Map(),
    untoldSince: 0,
    mayBeBehind: true,
    parts: row.parts,
  };
}

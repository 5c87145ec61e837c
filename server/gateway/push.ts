/**
 * Sends a device what waits for it in its conversations' logs. Catching up after connecting and live delivery are the
 * same: a conversation is marked, read from where the last push ended, and sent row by row in order.
 */
import { reach } from "../../lib/base/crashpoint.ts";
import type { Connection } from "../../lib/wire/connection.ts";
import type { Actor, LogRow, MessageRow, Storage } from "../operations/contract.ts";

import type { GatewayCounters } from "./figures.ts";

/** Rows and bytes of one reading of a log. */
const batch = { rows: 256, bytes: 256 * 1024 };

/** No reading of logs while more than this many bytes wait to be written. */
const lowWaterBytes = 512 * 1024;

/** What pushing needs. */
export interface PushServices {
  readonly storage: Storage;
  readonly connection: Pick<
    Connection,
    "send" | "sendEncoded" | "queuedBytes" | "queuedAtMost"
  >;
  readonly counters: Pick<GatewayCounters, "delivered">;
  /** Reading failed; the connection is of no more use. */
  readonly failed: (thrown: unknown) => void;
}

interface Place {
  /** Everything up to here has been sent over this connection. */
  after: number;
  marked: boolean;
}

type State = "off" | "idle" | "reading" | "pausing" | "over";

/** The push of one session. */
export class Push {
  readonly #actor: Actor;
  readonly #services: PushServices;
  readonly #places = new Map<string, Place>();
  /** Marked conversations; the one that waited longest is read first. */
  readonly #marked: string[] = [];
  #state: State = "off";

  constructor(actor: Actor, services: PushServices) {
    this.#actor = actor;
    this.#services = services;
  }

  /** Whether this session wants live events. */
  get on(): boolean {
    return this.#state !== "off" && this.#state !== "over";
  }

  /** Begins, with everything that waits already. */
  async start(): Promise<void> {
    if (this.#state !== "off") return;
    this.#state = "idle";
    try {
      const { conversations } = await this.#services.storage.call("log.pending", this.#actor);
      for (const { conversation } of conversations) this.mark(conversation, Infinity);
    } catch (thrown) {
      this.#services.failed(thrown);
    }
  }

  /** No further events from the logs, until `start`. */
  stop(): void {
    if (this.#state !== "over") this.#state = "off";
  }

  /** The session has ended. */
  end(): void {
    this.#state = "over";
    this.#marked.length = 0;
  }

  /** Rows up to `seq` exist in `conversation`; Infinity where it is not known how far. */
  mark(conversation: string, seq: number): void {
    if (!this.on) return;
    const place = this.#place(conversation);
    if (place.marked || seq <= place.after) return;
    place.marked = true;
    this.#marked.push(conversation);
    if (this.#state === "idle") this.#next();
  }

  /**
   * Sends rows that are known already, when nothing of this conversation before them is still to be sent here. False when
   * they have to be read from the log.
   */
  offer(conversation: string, rows: readonly RowText[]): boolean {
    const place = this.#places.get(conversation);
    const { connection } = this.#services;
    const next = rows[0]?.seq;
    const ready = this.#state === "idle" && place !== undefined && !place.marked &&
      place.after > 0 && next === place.after + 1 && connection.queuedBytes <= lowWaterBytes;
    if (!ready) return false;
    for (const row of rows) {
      place.after = row.seq;
      if (row.device === this.#actor.device) continue;
      connection.sendEncoded(row.json, row.bytes);
      this.#services.counters.delivered++;
    }
    reach("server:pushed");
    return true;
  }

  /** This device has sent row `seq` over this connection itself. */
  sent(conversation: string, seq: number): void {
    const place = this.#places.get(conversation);
    if (place !== undefined && place.after === seq - 1) place.after = seq;
  }

  #place(conversation: string): Place {
    let place = this.#places.get(conversation);
    if (place === undefined) {
      place = { after: 0, marked: false };
      this.#places.set(conversation, place);
    }
    return place;
  }

  #next(): void {
    if (!this.on) return;
    const { connection } = this.#services;
    if (connection.queuedBytes > lowWaterBytes) {
      this.#state = "pausing";
      void connection.queuedAtMost(lowWaterBytes).then(() => this.#next());
      return;
    }
    const conversation = this.#marked.shift();
    if (conversation === undefined) {
      this.#state = "idle";
      return;
    }
    this.#state = "reading";
    this.#read(conversation).then(() => this.#next(), this.#services.failed);
  }

  async #read(conversation: string): Promise<void> {
    const place = this.#place(conversation);
    place.marked = false;
    const result = await this.#services.storage.call("log.read", {
      account: this.#actor.account,
      device: this.#actor.device,
      conversation,
      after: place.after,
      limit: batch.rows,
      maxBytes: batch.bytes,
    });
    // A refusal means that the device has left the conversation meanwhile: nothing more is for it.
    if (!result.ok || !this.on) return;
    for (const row of result.rows) {
      sendRow(this.#services.connection, row);
      place.after = Math.max(place.after, row.seq);
    }
    this.#services.counters.delivered += result.rows.length;
    if (result.rows.length > 0) reach("server:pushed");
    if (result.more) this.mark(conversation, place.after + 1);
  }
}

/** A message of a log, made into text once for all who get it. */
export interface RowText {
  readonly seq: number;
  /** The device that sent it. */
  readonly device: string;
  readonly json: string;
  readonly bytes: Uint8Array;
}

/** The event for a message. */
export function rowText(row: MessageRow): RowText {
  const { bytes, type, conversation, seq, account, device, ts, epoch, message } = row;
  const known = { conversation, seq, account, device, ts, epoch, body: bytes.length };
  return { seq, device, bytes, json: JSON.stringify({ type, ...known, message }) };
}

/** Sends one row of a log as its event. */
export function sendRow(connection: Pick<Connection, "send">, row: LogRow): void {
  const { bytes, type, conversation, seq, account, device, ts, epoch } = row;
  const known = { conversation, seq, account, device, ts, epoch, body: bytes.length };
  switch (type) {
    case "message":
      return connection.send({ type, ...known, message: row.message }, bytes);
    case "commit": {
      const { hash, external, add, remove } = row;
      return connection.send({ type, ...known, hash, external, add, remove }, bytes);
    }
    case "welcome": {
      const { incarnation, kind, roster, members, state, by } = row;
      const standing = by === undefined ? { state } : { state, by };
      return connection.send(
        { type, ...known, incarnation, kind, roster, members, ...standing },
        bytes,
      );
    }
    case "rollback": {
      const { incarnation, hash, refusals, roster } = row;
      const facts = { incarnation, hash, refusals: [...refusals], roster: [...roster] };
      return connection.send({ type, conversation, seq, account, device, ts, epoch, ...facts });
    }
    case "recreated": {
      const { incarnation, hash, forgotten } = row;
      return connection.send({
        type,
        conversation,
        seq,
        account,
        device,
        ts,
        epoch: epoch + 1,
        incarnation,
        hash,
        ...(forgotten === undefined ? {} : { forgotten }),
      });
    }
  }
}

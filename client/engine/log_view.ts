/**
 * What this device knows of the directory's log: the latest checkpoint that was proved to continue all earlier ones.
 * A server that takes something back, or tells two stories, is found out here.
 */
import {
  type Bytes,
  equalBytes,
  fromBase64url,
  fromUtf8,
  toBase64url,
  utf8,
} from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { type Checkpoint, openCheckpoint } from "../../lib/directory/checkpoint.ts";
import { directoryOrigin } from "../../lib/directory/origin.ts";
import { verifyConsistency } from "../../lib/directory/verify.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import { RefusedError } from "../../lib/wire/errors.ts";
import type { MetaKey } from "../store/meta.ts";
import type { Profile } from "../store/profile.ts";
import type { Alarm, Evidence } from "./api_directory.ts";
import type { ComparableLog, SignedHead } from "./checkpoints.ts";
import type { Requester } from "./connection.ts";
import { TrustError } from "./trust_error.ts";

/** What a view of the log needs. */
export interface LogOptions {
  readonly profile: Pick<Profile, "meta" | "database">;
  /** The pinned identity, 32 bytes. */
  readonly serverKey: Bytes;
  readonly server: Pick<Requester, "request">;
  /** For the log of a server that one's own is linked with: its name here, and its identity as text. */
  readonly linked?: { readonly name: string; readonly id: string };
  now(): number;
  warn(text: string): void;
}

/** What a person can do about a log that was exchanged for another one. */
const remedy = "if its operator says by another way that a backup was put back: " +
  "sealpost client directory trust";

/** Alarms that are kept; a server that goes on lying says nothing new. */
const maxAlarms = 20;

/** The log as this profile has seen it. */
export class LogView implements ComparableLog {
  readonly #options: LogOptions;

  constructor(options: LogOptions) {
    this.#options = options;
  }

  /** How many entries are known to exist. Read it before asking: an answer may not be older. */
  size(): number {
    return this.#remembered()?.size ?? 0;
  }

  /**
   * What a signed checkpoint says, once it is proved to be of the same log as everything before. `floor` is `size()` from
   * before the request that brought it. Throws `TrustError`, after an alarm, when it is not.
   */
  async accept(signed: string, floor: number): Promise<Checkpoint> {
    const checkpoint = this.#verify(signed);
    if (checkpoint.size < floor) {
      throw this.alarm(
        `the server has taken back part of its directory (${checkpoint.size} entries, before ${floor}); ${remedy}`,
        evidenceOf(this.#remembered()?.signed, signed),
      );
    }
    const known = this.#remembered();
    if (known !== undefined && !await this.#isConsistent(known, checkpoint)) {
      throw this.alarm(
        `what it shows now (${checkpoint.size} entries) does not continue what it showed before (${known.size}); ${remedy}`,
        evidenceOf(known.signed, signed),
      );
    }
    this.#remember({ ...checkpoint, signed });
    return checkpoint;
  }

  /** The log's head as of now. */
  async fetch(signal?: AbortSignal): Promise<Checkpoint> {
    const floor = this.size();
    const options = signal === undefined ? {} : { signal };
    const { message } = await this.#options.server.request(
      { type: "directory.checkpoint" },
      undefined,
      options,
    );
    return await this.accept(message.checkpoint, floor);
  }

  head(): SignedHead | undefined {
    const { size, signed } = this.#remembered() ?? {};
    return size === undefined || signed === undefined ? undefined : { size, signed };
  }

  async compare(signed: string, from: string): Promise<void> {
    const theirs = this.#ofThisServer(signed);
    if (theirs === undefined) return;
    if ((this.#remembered()?.size ?? -1) < theirs.size) await this.#catchUp({ ...theirs, signed });
    const ours = this.#remembered();
    if (ours === undefined) return;
    const agrees = ours.size >= theirs.size && await this.#isConsistent(ours, theirs);
    if (agrees) return;
    const where = (who: string, { size, root }: Checkpoint) =>
      `${who} ${size} entries with the root ${toBase64url(root).slice(0, 12)}`;
    this.alarm(
      `it shows different logs to different people: ${where(sanitizeLine(from, 64), theirs)}, ` +
        `${where("to you", ours)}; ask ${
          sanitizeLine(from, 64)
        } and the operator whether the server was put ` +
        "back to a backup",
      evidenceOf(ours.signed, signed),
    );
  }

  /** Whether the checkpoint is signed by this log's server. */
  isOf(signed: string): boolean {
    return this.#ofThisServer(signed) !== undefined;
  }

  /** Of a linked server there is no newest head to ask for: what somebody else was shown counts, if it continues ours. */
  async #catchUp(theirs: Required<Remembered>): Promise<void> {
    if (this.#options.linked === undefined) return void await this.fetch();
    const ours = this.#remembered();
    if (ours === undefined || await this.#isConsistent(ours, theirs)) this.#remember(theirs);
  }

  /**
   * Begins anew with what the server shows now, whatever it showed before; alarms of before are forgotten. Only for a
   * person who says so. Returns both heads.
   */
  async beginAnew(signal?: AbortSignal): Promise<{ before: number; after: Checkpoint }> {
    const { server, profile } = this.#options;
    const options = signal === undefined ? {} : { signal };
    const { message } = await server.request({ type: "directory.checkpoint" }, undefined, options);
    const after = this.#verify(message.checkpoint);
    const before = this.size();
    profile.database.transaction(() => {
      this.#store({ ...after, signed: message.checkpoint });
      profile.meta.set("directory", utf8("[]"));
    });
    return { before, after };
  }

  /** What went wrong so far. */
  alarms(): readonly Alarm[] {
    const stored = this.#options.profile.meta.get("directory");
    return stored === undefined ? [] : JSON.parse(fromUtf8(stored));
  }

  /** Keeps an alarm and tells it; the error is for the caller to throw. */
  alarm(text: string, evidence?: Evidence): TrustError {
    const { meta } = this.#options.profile;
    const before = this.alarms();
    if (!before.some((alarm) => alarm.text === text)) {
      const alarm = {
        at: this.#options.now(),
        text,
        ...(evidence === undefined ? {} : { evidence }),
      };
      const all = [...before, alarm].slice(-maxAlarms);
      meta.set("directory", utf8(JSON.stringify(all)));
      this.#options.warn(`${this.#whose("The")} directory cannot be trusted: ${text}.`);
    }
    return new TrustError(`${this.#whose("the")} directory cannot be trusted: ${text}`);
  }

  #whose(the: "The" | "the"): string {
    const { linked } = this.#options;
    return linked === undefined ? `${the} server's` : `${the} linked server ${linked.name}'s`;
  }

  #verify(signed: string): Checkpoint {
    const { serverKey } = this.#options;
    try {
      return openCheckpoint(signed, { origin: directoryOrigin(serverKey), publicKey: serverKey });
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      throw this.alarm("a checkpoint is not signed by the server's identity");
    }
  }

  /** What a checkpoint says that somebody else was shown: undefined when it is another server's, or made up. */
  #ofThisServer(signed: string): Checkpoint | undefined {
    const { serverKey } = this.#options;
    try {
      return openCheckpoint(signed, { origin: directoryOrigin(serverKey), publicKey: serverKey });
    } catch (thrown) {
      if (thrown instanceof AppError) return undefined;
      throw thrown;
    }
  }

  async #isConsistent(a: Checkpoint, b: Checkpoint): Promise<boolean> {
    const [old, next] = a.size <= b.size ? [a, b] : [b, a];
    const needsProof = old.size > 0 && old.size < next.size;
    const path = needsProof ? await this.#proof(old.size, next.size) : [];
    return path !== undefined && verifyConsistency({
      oldSize: old.size,
      oldRoot: old.root,
      newSize: next.size,
      newRoot: next.root,
      path,
    });
  }

  /** Undefined when the server has none. Rejects when it could not be asked. */
  async #proof(from: number, to: number): Promise<readonly Bytes[] | undefined> {
    try {
      const { message } = await this.#options.server.request({
        type: "directory.consistency",
        from,
        to,
        ...(this.#options.linked === undefined ? {} : { server: this.#options.linked.name }),
      });
      return message.path.map(fromBase64url);
    } catch (thrown) {
      if (thrown instanceof RefusedError && thrown.retry === "never") return undefined;
      if (thrown instanceof TypeError) return undefined;
      throw thrown;
    }
  }

  /** Where the latest checkpoint is kept. */
  get #key(): MetaKey {
    const { linked } = this.#options;
    return linked === undefined ? "checkpoint" : `checkpoint of ${linked.id}`;
  }

  #remembered(): Remembered | undefined {
    const stored = this.#options.profile.meta.get(this.#key);
    if (stored === undefined) return undefined;
    const { size, root, signed } = JSON.parse(fromUtf8(stored));
    return { size, root: fromBase64url(root), signed };
  }

  /** Unless another process has come further meanwhile. */
  #remember(checkpoint: Required<Remembered>): void {
    const { size } = checkpoint;
    const known = this.#remembered();
    // Earlier versions of this program did not keep the signature.
    const isNews = () => {
      const now = this.#remembered();
      return now === undefined || now.size < size ||
        (now.size === size && now.signed === undefined);
    };
    if (known !== undefined && !isNews()) return;
    this.#options.profile.database.transaction(() => {
      if (isNews()) this.#store(checkpoint);
    });
  }

  #store({ size, root, signed }: Required<Remembered>): void {
    const { meta } = this.#options.profile;
    meta.set(this.#key, utf8(JSON.stringify({ size, root: toBase64url(root), signed })));
  }
}

/** A checkpoint that was accepted, as it is kept. */
interface Remembered extends Checkpoint {
  readonly signed?: string;
}

function evidenceOf(here: string | undefined, there: string): Evidence | undefined {
  return here === undefined ? undefined : { here, there };
}

/** Whether two checkpoints say the same. */
export function sameCheckpoint(a: Checkpoint, b: Checkpoint): boolean {
  return a.size === b.size && equalBytes(a.root, b.root);
}

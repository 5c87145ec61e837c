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
import { RefusedError } from "../../lib/wire/errors.ts";
import type { Profile } from "../store/profile.ts";
import type { Requester } from "./connection.ts";
import { TrustError } from "./trust_error.ts";

/** What went wrong with the directory once; kept, and told again at each start. */
export interface Alarm {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly text: string;
}

/** What a view of the log needs. */
export interface LogOptions {
  readonly profile: Pick<Profile, "meta" | "database">;
  /** The pinned identity, 32 bytes. */
  readonly serverKey: Bytes;
  readonly server: Pick<Requester, "request">;
  now(): number;
  warn(text: string): void;
}

/** Alarms that are kept; a server that goes on lying says nothing new. */
const maxAlarms = 20;

/** The log as this profile has seen it. */
export class LogView {
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
        `the server has taken back part of its directory (${checkpoint.size} entries, before ${floor})`,
      );
    }
    const known = this.#remembered();
    if (known !== undefined) await this.#checkConsistent(known, checkpoint);
    this.#remember(checkpoint);
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

  /** What went wrong so far. */
  alarms(): readonly Alarm[] {
    const stored = this.#options.profile.meta.get("directory");
    return stored === undefined ? [] : JSON.parse(fromUtf8(stored));
  }

  /** Keeps an alarm and tells it; the error is for the caller to throw. */
  alarm(text: string): TrustError {
    const { meta } = this.#options.profile;
    const before = this.alarms();
    if (!before.some((alarm) => alarm.text === text)) {
      const all = [...before, { at: this.#options.now(), text }].slice(-maxAlarms);
      meta.set("directory", utf8(JSON.stringify(all)));
      this.#options.warn(`The server's directory cannot be trusted: ${text}.`);
    }
    return new TrustError(`the server's directory cannot be trusted: ${text}`);
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

  async #checkConsistent(a: Checkpoint, b: Checkpoint): Promise<void> {
    const [old, next] = a.size <= b.size ? [a, b] : [b, a];
    const needsProof = old.size > 0 && old.size < next.size;
    const path = needsProof ? await this.#proof(old.size, next.size) : [];
    const holds = path !== undefined && verifyConsistency({
      oldSize: old.size,
      oldRoot: old.root,
      newSize: next.size,
      newRoot: next.root,
      path,
    });
    if (!holds) {
      throw this.alarm(
        `what it shows now (${next.size} entries) does not continue what it showed before (${old.size})`,
      );
    }
  }

  /** Undefined when the server has none. Rejects when it could not be asked. */
  async #proof(from: number, to: number): Promise<readonly Bytes[] | undefined> {
    try {
      const { message } = await this.#options.server.request({
        type: "directory.consistency",
        from,
        to,
      });
      return message.path.map(fromBase64url);
    } catch (thrown) {
      if (thrown instanceof RefusedError && thrown.retry === "never") return undefined;
      if (thrown instanceof TypeError) return undefined;
      throw thrown;
    }
  }

  #remembered(): Checkpoint | undefined {
    const stored = this.#options.profile.meta.get("checkpoint");
    if (stored === undefined) return undefined;
    const { size, root } = JSON.parse(fromUtf8(stored));
    return { size, root: fromBase64url(root) };
  }

  /** Unless another process has come further meanwhile. */
  #remember({ size, root }: Checkpoint): void {
    const { database, meta } = this.#options.profile;
    const known = this.#remembered();
    if (known !== undefined && known.size >= size) return;
    database.transaction(() => {
      if ((this.#remembered()?.size ?? -1) >= size) return;
      meta.set("checkpoint", utf8(JSON.stringify({ size, root: toBase64url(root) })));
    });
  }
}

/** Whether two checkpoints say the same. */
export function sameCheckpoint(a: Checkpoint, b: Checkpoint): boolean {
  return a.size === b.size && equalBytes(a.root, b.root);
}

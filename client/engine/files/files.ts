/** Files of an engine: one place for sending, listing and saving, and for ending all of it in order. */
import { AppError, asAppError } from "../../../lib/base/errors.ts";
import type { AttachedFile, StoredMessage } from "../../store/messages.ts";
import { Transfers } from "../../store/transfers.ts";
import type { Target } from "../api_target.ts";
import type {
  FileActions,
  FileInfo,
  FileRules,
  FileState,
  TransferOptions,
  UnfinishedUpload,
} from "../api_files.ts";
import type { Core } from "../core.ts";
import { FileFetching } from "./fetch.ts";
import { homeOf } from "./home.ts";
import { askRules } from "./rules.ts";
import { FileSending, type SendingOptions } from "./send.ts";

/** What files need of their engine beside the core. */
export type FilesOptions = Omit<SendingOptions, "transfers">;

/** The files of one profile. */
export class Files implements FileActions {
  readonly #core: Core;
  readonly #options: FilesOptions;
  readonly #transfers: Transfers;
  readonly #sending: FileSending;
  readonly #fetching: FileFetching;
  /** What uses the store or the line at this moment. */
  readonly #running = new Set<Promise<unknown>>();
  readonly #stopping = new AbortController();

  constructor(core: Core, options: FilesOptions) {
    this.#core = core;
    this.#options = options;
    const transfers = new Transfers(core.sealed);
    this.#transfers = transfers;
    this.#sending = new FileSending(core, { ...options, transfers });
    this.#fetching = new FileFetching(core, transfers);
  }

  rules(): Promise<FileRules> {
    return askRules(this.#core);
  }

  /** Stops what is going on, which can be gone on with another time. Resolves when nothing uses the store any more. */
  async stop(): Promise<void> {
    this.#stopping.abort(new AppError("timeout", { text: "the client stops", fault: "us" }));
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  /** A transfer, which also ends when the engine does. */
  #transfer<T>(
    options: TransferOptions,
    work: (options: TransferOptions) => Promise<T>,
  ): Promise<T> {
    const signals = [
      this.#stopping.signal,
      ...options.signal === undefined ? [] : [options.signal],
    ];
    return this.#tracked(work({ ...options, signal: AbortSignal.any(signals) }));
  }

  send: FileActions["send"] = (where, options = {}) =>
    this.#transfer(options, (both) => this.#sending.send(where, both));

  // deno-lint-ignore require-await -- refusals reject
  async unfinished(): Promise<readonly UnfinishedUpload[]> {
    return this.#transfers.uploads().map(({ thread, path, size }) => ({
      conversation: this.#core.threads.get(thread)?.title ?? "",
      path,
      size,
    }));
  }

  // deno-lint-ignore require-await -- refusals reject
  async list(target?: Target): Promise<readonly FileInfo[]> {
    void this.tellDone();
    const all = this.#core.messages.attached().flatMap((message, at) => {
      const info = this.#info(message, at + 1);
      return info === undefined ? [] : [{ thread: message.thread, info }];
    });
    if (target === undefined) return all.map(({ info }) => info);
    const { thread } = this.#core.sealed.database.transaction(() =>
      this.#options.reading.threadFor(target)
    );
    return all.filter((one) => one.thread === thread).map(({ info }) => info);
  }

  /** Undefined when its sender has taken the message back. */
  #info(message: StoredMessage, number: number): FileInfo | undefined {
    const { file, from } = message.content;
    if (file === undefined) return undefined;
    return {
      number,
      id: message.id,
      name: file.name,
      type: file.type,
      size: file.size,
      from,
      own: message.own,
      conversation: this.#core.threads.get(message.thread)?.title ?? "",
      ts: message.ts,
      state: stateOf(this.#transfers, file),
    };
  }

  #find(id: string): { file: AttachedFile; info: FileInfo } {
    const all = this.#core.messages.attached();
    const at = all.findIndex((message) => message.id === id);
    const message = all[at];
    const info = message && this.#info(message, at + 1);
    const file = message?.content.file;
    if (info === undefined || file === undefined) {
      throw new AppError("not_found", { text: "there is no such file", fault: "us" });
    }
    return { file, info };
  }

  get: FileActions["get"] = ({ id, place }, options = {}) =>
    this.#transfer(options, async (both) => {
      const { file, info: { from } } = this.#find(id);
      const path = await this.#fetching.get({ file, from, place }, both);
      await this.tellDone();
      return { info: this.#find(id).info, path };
    });

  async decline(id: string): Promise<void> {
    const { file } = this.#find(id);
    const known = this.#transfers.download(file.file);
    if (known?.kind === "partial") await Deno.remove(known.part).catch(() => undefined);
    if (known?.kind !== "saved") {
      this.#core.sealed.database.transaction(() =>
        this.#transfers.setDownload(file.file, { kind: "declined" })
      );
    }
    await this.tellDone();
  }

  /** Tells the server what this account has. Never rejects: what could not be told is told another time. */
  tellDone(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    return this.#tracked(this.#tellDone());
  }

  async #tellDone(): Promise<void> {
    try {
      const untold = this.#transfers.untold();
      if (untold.length === 0) return;
      const senders = this.#senders();
      for (const file of untold) await this.#tell(file, senders.get(file) ?? "");
    } catch (thrown) {
      this.#core.logger.log("debug", "file_not_told", { code: asAppError(thrown).code });
    }
  }

  /** Names or addresses of senders by file. */
  #senders(): Map<string, string> {
    return new Map(
      this.#core.messages.attached().flatMap(({ content: { file, from } }) =>
        file === undefined ? [] : [[file.file, from]]
      ),
    );
  }

  /**
   * A file that is not there any more needs nobody to be told; a server that is away is told another time, and keeps
   * nobody else waiting.
   */
  async #tell(file: string, from: string): Promise<void> {
    try {
      await this.#core.server.request({ type: "file.done", file, ...homeOf(from) });
    } catch (thrown) {
      const { code } = asAppError(thrown);
      if (code === "server_away") return;
      if (code !== "not_found" && code !== "no_such_server") throw thrown;
    }
    this.#core.sealed.database.transaction(() => this.#transfers.told(file));
  }
}

function stateOf(transfers: Transfers, { file }: AttachedFile): FileState {
  const known = transfers.download(file);
  if (known === undefined) return { kind: "offered" };
  return known.kind === "partial" ? { kind: "partial" } : known;
}

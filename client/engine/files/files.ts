/** Files of an engine: sending, listing, saving. */
import { toBase64url } from "../../../lib/base/bytes.ts";
import { AppError, asAppError, type ErrorCode } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { readFileTypes } from "../../../lib/base/file_types.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { newFileKey } from "../../../lib/crypto/file_cipher.ts";
import type { AttachedFile, StoredMessage } from "../../store/messages.ts";
import { Transfers, type Upload } from "../../store/transfers.ts";
import type { Target } from "../api_target.ts";
import type {
  FileActions,
  FileInfo,
  FileRules,
  FileState,
  SavePlace,
  TransferOptions,
  UnfinishedUpload,
} from "../api_files.ts";
import { type FileBody, sizeText } from "../content/file.ts";
import { queueMessage } from "../content/queue.ts";
import type { Conversations } from "../conversations.ts";
import type { Core } from "../core.ts";
import type { Reading } from "../reading.ts";
import { DownloadPass } from "./download.ts";
import { untilDone } from "./retry.ts";
import { destinationOf, type OpenPart, Part } from "./saving.ts";
import { ChangedError, shownPath, Source } from "./source.ts";
import { type AllowList, refuseContent, refuseName, sniffBytes } from "./types.ts";
import { UploadPass } from "./upload.ts";

/** What files need of their engine beside the core. */
export interface FilesOptions {
  readonly reading: Reading;
  readonly conversations: Pick<Conversations, "ensure">;
  /** Throws when nothing may be sent to the account of that name. */
  checkSendable(name: string): void;
  /** How parts are opened; the disk's way unless a test says otherwise. */
  readonly openPart?: OpenPart;
}

/** The files of one profile. */
export class Files implements FileActions {
  readonly #core: Core;
  readonly #options: FilesOptions;
  readonly #transfers: Transfers;

  constructor(core: Core, options: FilesOptions) {
    this.#core = core;
    this.#options = options;
    this.#transfers = new Transfers(core.sealed);
  }

  async rules(): Promise<FileRules> {
    const { message } = await this.#core.server.request({ type: "file.limits" });
    const { maxBytes, quota, used, keepMs, types } = message;
    return { maxBytes, quota, used, keepMs, types };
  }

  async send(
    { target, path }: { readonly target: Target; readonly path: string },
    options: TransferOptions = {},
  ): Promise<{ readonly id: string }> {
    if (target.kind === "lobby") {
      throw new AppError("not_permitted_now", {
        text: "files go to people and groups, not to #lobby",
      });
    }
    if (target.kind === "direct") this.#options.checkSendable(target.name);
    const source = await Source.open(path);
    try {
      await this.#checkSource(source, options);
      return await this.#sendSource(target, source, options);
    } finally {
      source.close();
    }
  }

  /** Size and type, before anything leaves this machine. */
  async #checkSource(source: Source, options: TransferOptions): Promise<void> {
    const rules = await this.#patiently(() => this.rules(), options);
    const shown = shownPath(source.name);
    if (source.size > rules.maxBytes) {
      throw new AppError("too_large", {
        text: `${shown} has ${sizeText(source.size)}; this server takes files of up to ` +
          `${sizeText(rules.maxBytes)}`,
      });
    }
    const head = await source.read(0, Math.min(source.size, sniffBytes));
    for (const allowed of [rules.types, ownList(rules, options)]) {
      const refused = refuseName(source.name, allowed) ?? refuseContent(source.name, head, allowed);
      if (refused !== undefined) throw new ExitError("notAllowed", `${shown} ${refused}.`);
    }
  }

  async #sendSource(
    target: Target,
    source: Source,
    options: TransferOptions,
  ): Promise<{ readonly id: string }> {
    const { sealed, locks } = this.#core;
    const { thread } = sealed.database.transaction(() => this.#options.reading.threadFor(target));
    // One at a time: two would only send the same bytes.
    return await locks.run(`upload:${thread}:${source.path}`, async () => {
      const ready = await this.#patiently(
        () => this.#options.conversations.ensure(thread),
        options,
      );
      const { conversation } = ready;
      if (conversation === undefined) throw new AppError("no_such_conversation");
      const upload = await this.#obtain(thread, source);
      const body = await this.#upload({ source, upload, conversation }, options);
      return this.#announce(upload, body);
    });
  }

  /** The interrupted upload of this very file, or a new one. */
  async #obtain(thread: number, source: Source): Promise<Upload> {
    const { path, size, modifiedAt } = source;
    const known = this.#transfers.upload({ thread, path });
    if (known !== undefined && known.size === size && known.modifiedAt === modifiedAt) return known;
    if (known !== undefined) await this.#giveUp(known);
    const facts = {
      file: randomId(),
      key: toBase64url(newFileKey()),
      thread,
      path,
      size,
      modifiedAt,
    };
    return this.#core.sealed.database.transaction(() => this.#transfers.begin(facts));
  }

  async #upload(
    parts: { source: Source; upload: Upload; conversation: string },
    options: TransferOptions,
  ): Promise<FileBody> {
    const { core, transfers } = { core: this.#core, transfers: this.#transfers };
    const pass = new UploadPass({ core, transfers, ...parts, options });
    try {
      return await untilDone(core, {
        attempt: () => pass.run(),
        moved: () => pass.taken,
        signal: options.signal,
      });
    } catch (thrown) {
      if (thrown instanceof ChangedError || isRefusedForGood(thrown)) {
        await this.#giveUp(parts.upload);
      }
      throw thrown;
    }
  }

  /** Forgets an upload here, and at the server as far as that can be reached: there it goes by itself in the end. */
  async #giveUp({ upload, file }: Upload): Promise<void> {
    const { sealed, server, logger } = this.#core;
    sealed.database.transaction(() => this.#transfers.end(upload));
    try {
      await server.request({ type: "file.delete", file });
    } catch (thrown) {
      logger.log("debug", "upload_not_deleted", { code: asAppError(thrown).code });
    }
  }

  /** The message and the end of the upload are one: whoever dies between has announced it once. */
  #announce(upload: Upload, body: FileBody): { readonly id: string } {
    const { sealed } = this.#core;
    const { id } = sealed.database.transaction(() => {
      this.#transfers.end(upload.upload);
      return queueMessage(this.#core, upload.thread, { kind: "file", body });
    });
    this.#core.changed();
    return { id };
  }

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

  async get(
    { id, place }: { readonly id: string; readonly place: SavePlace },
    options: TransferOptions = {},
  ): Promise<{ info: FileInfo; path: string }> {
    const { file } = this.#find(id);
    const rules = await this.#patiently(() => this.rules(), options);
    const shown = shownPath(file.name);
    const allowed = ownList(rules, options);
    const refused = refuseName(file.name, allowed);
    if (refused !== undefined) throw new ExitError("notAllowed", `${shown} ${refused}.`);
    const destination = await destinationOf(place, file.name);
    const path = await this.#core.locks.run(`download:${file.file}`, async () => {
      const part = await this.#openPart(file, destination.folder);
      try {
        await this.#download({ file, part, allowed }, options);
        const path = await part.finish(destination);
        this.#saved(file, path);
        return path;
      } catch (thrown) {
        const error = gone(thrown, shown);
        if (error !== thrown || await part.isEmpty()) await part.remove();
        this.#noteLost(file, await exists(part.path));
        throw error;
      } finally {
        part.close();
      }
    });
    await this.tellDone();
    return { info: this.#find(id).info, path };
  }

  /** The part of an earlier try in that folder, or a new one; one in another folder is given up. */
  async #openPart(file: AttachedFile, folder: string): Promise<Part> {
    const path = `${folder}/.sealpost-${file.file}.part`;
    const known = this.#transfers.download(file.file);
    if (known?.kind === "partial" && known.part !== path) {
      await Deno.remove(known.part).catch(() => undefined);
    }
    const part = await Part.open(path, this.#options.openPart);
    this.#core.sealed.database.transaction(() => {
      if (known?.kind !== "saved") {
        this.#transfers.setDownload(file.file, { kind: "partial", part: path });
      }
    });
    return part;
  }

  async #download(
    parts: { file: AttachedFile; part: Part; allowed: AllowList },
    options: TransferOptions,
  ): Promise<void> {
    const pass = new DownloadPass({ core: this.#core, ...parts, options });
    await untilDone(this.#core, {
      attempt: () => pass.run(),
      moved: () => pass.taken,
      signal: options.signal,
    });
  }

  #saved(file: AttachedFile, path: string): void {
    this.#core.sealed.database.transaction(() =>
      this.#transfers.setDownload(file.file, { kind: "saved", path })
    );
  }

  /** A part that was removed is nothing to go on with. */
  #noteLost(file: AttachedFile, isThere: boolean): void {
    if (isThere || this.#transfers.download(file.file)?.kind !== "partial") return;
    this.#core.sealed.database.transaction(() => this.#transfers.forgetDownload(file.file));
  }

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
  async tellDone(): Promise<void> {
    for (const file of this.#transfers.untold()) {
      try {
        await this.#core.server.request({ type: "file.done", file });
      } catch (thrown) {
        const error = asAppError(thrown);
        if (error.code !== "not_found") return;
      }
      this.#core.sealed.database.transaction(() => this.#transfers.told(file));
    }
  }

  /** A question to the server, asked again while the line is away. */
  #patiently<T>(ask: () => Promise<T>, { signal }: TransferOptions): Promise<T> {
    return untilDone(this.#core, { attempt: ask, moved: () => 0, signal });
  }
}

function stateOf(transfers: Transfers, { file }: AttachedFile): FileState {
  const known = transfers.download(file);
  if (known === undefined) return { kind: "offered" };
  return known.kind === "partial" ? { kind: "partial" } : known;
}

/** What this user sends and takes: the operator's list unless the client's configuration says otherwise. */
function ownList({ types }: FileRules, options: TransferOptions): AllowList {
  if (options.types === undefined) return types;
  const own = readFileTypes(options.types, types.length === 0 ? undefined : types);
  if (own !== undefined) return own;
  throw new ExitError(
    "usage",
    "fileTypes in the client's configuration is a list like pdf,png or a change like +dwg,-sh or *",
  );
}

/** The server's answers to an upload after which going on with it makes no sense. */
const refusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "too_large",
  "quota_exceeded",
  "storage_full",
  "no_such_conversation",
]);

function isRefusedForGood(thrown: unknown): boolean {
  return thrown instanceof AppError && refusals.has(thrown.code);
}

function gone(thrown: unknown, shown: string): unknown {
  if (!(thrown instanceof AppError) || thrown.code !== "not_found") return thrown;
  return new AppError("not_found", {
    text:
      `${shown} is no longer on the server: it was fetched by everybody, has expired, or was taken back`,
    cause: thrown,
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Sending a file: looked at, uploaded however often the line breaks, then announced once. */
import { toBase64url } from "../../../lib/base/bytes.ts";
import { AppError, asAppError, type ErrorCode } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { newFileKey } from "../../../lib/crypto/file_cipher.ts";
import type { Transfers, Upload } from "../../store/transfers.ts";
import type { TransferOptions } from "../api_files.ts";
import type { Target } from "../api_target.ts";
import { type FileBody, sizeText } from "../content/file.ts";
import { queueMessage } from "../content/queue.ts";
import type { Conversations } from "../conversations.ts";
import type { Core } from "../core.ts";
import type { Reading } from "../reading.ts";
import { patiently, untilDone } from "./retry.ts";
import { askRules, ownList } from "./rules.ts";
import { ChangedError, shownPath, Source } from "./source.ts";
import { refuseContent, refuseName, sniffBytes } from "./types.ts";
import { UploadPass } from "./upload.ts";

/** What sending needs of its engine beside the core. */
export interface SendingOptions {
  readonly transfers: Transfers;
  readonly reading: Reading;
  readonly conversations: Pick<Conversations, "ensure">;
  /** Throws when nothing may be sent to the account of that name. */
  checkSendable(name: string): void;
}

/** The sending side of files. */
export class FileSending {
  readonly #core: Core;
  readonly #options: SendingOptions;
  readonly #transfers: Transfers;

  constructor(core: Core, options: SendingOptions) {
    this.#core = core;
    this.#options = options;
    this.#transfers = options.transfers;
  }

  async send(
    { target, path }: { readonly target: Target; readonly path: string },
    options: TransferOptions,
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
    const rules = await patiently(this.#core, () => askRules(this.#core), options);
    const shown = shownPath(source.name);
    if (source.size > rules.maxBytes) {
      throw new ExitError(
        "notAllowed",
        `${shown} has ${sizeText(source.size)}; this server takes files of up to ` +
          `${sizeText(rules.maxBytes)}.`,
      );
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
      const ready = await patiently(
        this.#core,
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

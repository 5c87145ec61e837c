/** Fetching a file: into a part beside its place, checked, then named. */
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import type { AttachedFile } from "../../store/messages.ts";
import type { Transfers } from "../../store/transfers.ts";
import type { SavePlace, TransferOptions } from "../api_files.ts";
import type { Core } from "../core.ts";
import { DownloadPass } from "./download.ts";
import { patiently, untilDone } from "./retry.ts";
import { askRules, ownList } from "./rules.ts";
import { destinationOf, Part } from "./saving.ts";
import { shownPath } from "./source.ts";
import { type AllowList, refuseName } from "./types.ts";

/** The receiving side of files. */
export class FileFetching {
  readonly #core: Core;
  readonly #transfers: Transfers;

  constructor(core: Core, transfers: Transfers) {
    this.#core = core;
    this.#transfers = transfers;
  }

  /** Fetches, checks and saves a file; resolves to its path. */
  async get(
    { file, from, place }: {
      readonly file: AttachedFile;
      /** Its sender's name or address. */
      readonly from: string;
      readonly place: SavePlace;
    },
    options: TransferOptions,
  ): Promise<string> {
    const rules = await patiently(this.#core, () => askRules(this.#core), options);
    const shown = shownPath(file.name);
    const allowed = ownList(rules, options);
    const refused = refuseName(file.name, allowed);
    if (refused !== undefined) throw new ExitError("notAllowed", `${shown} ${refused}.`);
    const destination = await destinationOf(place, file.name);
    return await this.#core.locks.run(`download:${file.file}`, async () => {
      const part = await this.#openPart(file, destination.folder);
      try {
        await this.#download({ file, from, part, allowed }, options);
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
  }

  /** The part of an earlier try in that folder, or a new one; one in another folder is given up. */
  async #openPart(file: AttachedFile, folder: string): Promise<Part> {
    const path = `${folder}/.sealpost-${file.file}.part`;
    const known = this.#transfers.download(file.file);
    if (known?.kind === "partial" && known.part !== path) {
      await Deno.remove(known.part).catch(() => undefined);
    }
    const part = await Part.open(path);
    this.#core.sealed.database.transaction(() => {
      if (known?.kind !== "saved") {
        this.#transfers.setDownload(file.file, { kind: "partial", part: path });
      }
    });
    return part;
  }

  async #download(
    parts: { file: AttachedFile; from: string; part: Part; allowed: AllowList },
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

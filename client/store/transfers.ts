/** Files on their way, as far as a restart has to know of them. */
import { equalBytes, fromUtf8, utf8 } from "../../lib/base/bytes.ts";
import type { SealedDatabase } from "./sealed.ts";

/** What is known of an upload. */
export interface UploadFacts {
  /** The file's id at the server (UUID). */
  readonly file: string;
  /** 32 bytes, base64url. */
  readonly key: string;
  readonly thread: number;
  /** Absolute. */
  readonly path: string;
  /** Bytes of the plaintext. */
  readonly size: number;
  /** When the file was last changed (ms since 1970). */
  readonly modifiedAt: number;
}

/** An upload that is begun. */
export interface Upload extends UploadFacts {
  readonly upload: number;
}

/** What is known of a file that was offered. */
export type DownloadFacts =
  /** Its beginning is in `part`, to be gone on with. */
  | { readonly kind: "partial"; readonly part: string }
  | { readonly kind: "saved"; readonly path: string }
  | { readonly kind: "declined" };

const tagText = ({ thread, path }: Pick<UploadFacts, "thread" | "path">) =>
  `upload:${thread}:${path}`;

/** Transfers of one profile. Whatever writes does so in the caller's transaction. */
export class Transfers {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  get #database() {
    return this.#sealed.database;
  }

  /** The upload of that path to that conversation. */
  upload(what: Pick<UploadFacts, "thread" | "path">): Upload | undefined {
    const row = this.#database.prepare("SELECT upload, facts FROM uploads WHERE tag = ?")
      .get<{ upload: number; facts: Uint8Array }>(this.#sealed.tag(tagText(what)));
    return row && this.#upload(row);
  }

  /** All that are begun, oldest first. */
  uploads(): Upload[] {
    return this.#database.prepare("SELECT upload, facts FROM uploads ORDER BY upload")
      .all<{ upload: number; facts: Uint8Array }>().map((row) => this.#upload(row));
  }

  #upload({ upload, facts }: { upload: number; facts: Uint8Array }): Upload {
    const opened = this.#sealed.open(`uploads.facts:${upload}`, facts);
    return { upload, ...JSON.parse(fromUtf8(opened)) };
  }

  begin(facts: UploadFacts): Upload {
    const { lastRowid: upload } = this.#database.prepare(
      "INSERT INTO uploads (tag, facts) VALUES (?, x'')",
    ).run(this.#sealed.tag(tagText(facts)));
    const sealed = this.#sealed.seal(`uploads.facts:${upload}`, utf8(JSON.stringify(facts)));
    this.#database.prepare("UPDATE uploads SET facts = ? WHERE upload = ?").run(sealed, upload);
    return { upload, ...facts };
  }

  /**
   * Notes what the chunks from `first` on are, once and for all; whether they are what they were if that was noted before.
   */
  note(upload: number, first: number, digests: Uint8Array): boolean {
    const place = `upload_digests.digests:${upload}:${first}`;
    const known = this.#database.prepare(
      "SELECT digests FROM upload_digests WHERE upload = ? AND first = ?",
    ).get<{ digests: Uint8Array }>(upload, first);
    if (known !== undefined) return equalBytes(this.#sealed.open(place, known.digests), digests);
    this.#database.prepare("INSERT INTO upload_digests (upload, first, digests) VALUES (?, ?, ?)")
      .run(upload, first, this.#sealed.seal(place, digests));
    return true;
  }

  /** It is announced, or given up. */
  end(upload: number): void {
    this.#database.prepare("DELETE FROM uploads WHERE upload = ?").run(upload);
    this.#database.prepare("DELETE FROM upload_digests WHERE upload = ?").run(upload);
  }

  download(file: string): DownloadFacts | undefined {
    const row = this.#database.prepare("SELECT facts FROM downloads WHERE file = ?")
      .get<{ facts: Uint8Array }>(file);
    return row && JSON.parse(fromUtf8(this.#sealed.open(`downloads.facts:${file}`, row.facts)));
  }

  /** Notes how far it is; what is saved or declined has to be told to the server. */
  setDownload(file: string, facts: DownloadFacts): void {
    const sealed = this.#sealed.seal(`downloads.facts:${file}`, utf8(JSON.stringify(facts)));
    this.#database.prepare(`INSERT INTO downloads (file, facts, told) VALUES (?, ?, ?)
        ON CONFLICT (file) DO UPDATE SET facts = excluded.facts`)
      .run(file, sealed, facts.kind === "partial" ? 1 : 0);
    if (facts.kind !== "partial") {
      this.#database.prepare("UPDATE downloads SET told = 0 WHERE file = ?").run(file);
    }
  }

  /** Nothing of it is here. */
  forgetDownload(file: string): void {
    this.#database.prepare("DELETE FROM downloads WHERE file = ?").run(file);
  }

  /** Files that this account has and the server does not know of. */
  untold(): string[] {
    return this.#database.prepare("SELECT file FROM downloads WHERE told = 0")
      .all<{ file: string }>().map(({ file }) => file);
  }

  told(file: string): void {
    this.#database.prepare("UPDATE downloads SET told = 1 WHERE file = ?").run(file);
  }
}

/** The account's archive: its own history, encrypted, on the server, for its own devices. */
import type { Target } from "./api_target.ts";

/** How much of the archive is here. */
export interface ArchiveProgress {
  /** Messages of it that are here. */
  readonly have: number;
  /** Messages that it holds. */
  readonly total: number;
  /** Everything that there is has been fetched and checked. */
  readonly complete: boolean;
}

/** The archive as it is known here. */
export interface ArchiveStatus extends ArchiveProgress {
  /** What it takes on the server, and what it may take; undefined before the server was asked. */
  readonly bytes?: number;
  readonly most?: number;
  /** Batches that the server does not give, or changed. */
  readonly damaged: number;
  /** Titles of the conversations that are not archived. */
  readonly off: readonly string[];
  /** Why nothing can be archived now, for people. */
  readonly problem?: string;
}

/** What became of turning the archive of a conversation off. */
export interface ArchiveSwitched {
  /** Messages taken out of the archive, or yet to be taken out. */
  readonly messages: number;
  /** Whether the server has done it; otherwise it is done when it can be reached. */
  readonly done: boolean;
}

/** Everything about the archive. Methods reject with `AppError`. */
export interface ArchiveActions {
  status(): ArchiveStatus;
  /** Whether the account's history has come here once: before that, what is here says nothing about what there is. */
  isHere(): boolean;
  /**
   * Whether messages of a conversation are archived (they are, unless somebody says otherwise), on all devices. Off takes
   * out what is there. Rejects with `not_found` for a conversation that does not exist yet, and for the lobby.
   */
  keep(target: Target, kept: boolean): Promise<ArchiveSwitched>;
  /** Resolves when everything that the archive holds has been fetched once, at once if it has: what a new device waits for. */
  fetched(signal?: AbortSignal): Promise<ArchiveStatus>;
  /** Resolves when everything that there was has been fetched, and what is here has been archived. */
  settled(signal?: AbortSignal): Promise<ArchiveStatus>;
}

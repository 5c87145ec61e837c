/** The server's directory as this profile has seen it: what was shown, what went wrong, and a person's word to begin anew. */

/** What went wrong with the directory once; kept, and told again at each start. */
export interface Alarm {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly text: string;
  /** The two checkpoints that do not fit, where the server has signed both. */
  readonly evidence?: Evidence;
}

/** Two signed checkpoints of one server that are not of one log; whoever has them can show them to anybody. */
export interface Evidence {
  /** What this device was shown. */
  readonly here: string;
  /** What somebody else was shown, or this device at another time. */
  readonly there: string;
}

/** What is known of the directory's log. */
export interface DirectoryState {
  /** Entries; undefined before the first look. */
  readonly size: number | undefined;
  /** The latest accepted checkpoint as the server signed it. */
  readonly checkpoint: string | undefined;
  /** What did not hold, oldest first, with the server's own signatures as evidence where there are any. */
  readonly alarms: readonly Alarm[];
}

/** The directory's side of an engine. */
export interface DirectoryDesk {
  /** Works offline. */
  state(): DirectoryState;
  /**
   * Accepts what the server shows now in place of what it showed before: for a person who knows that a backup was put
   * back. Alarms of before are forgotten; pinned keys stay, and the whole log is read anew. Rejects with `TrustError`
   * when what the server shows does not hold in itself. Returns the number of entries before and now.
   */
  beginAnew(signal?: AbortSignal): Promise<{ readonly before: number; readonly now: number }>;
}

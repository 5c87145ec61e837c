/** The part of the storage port that is the lobby. */

/** A post of the lobby to be stored. */
export interface NewPost {
  readonly post: string;
  readonly account: number;
  readonly device: string;
  readonly text: string;
  readonly sentAt: number;
  readonly ts: number;
  readonly signature: string;
}

/** The lobby. */
export interface Lobby {
  head(): number;
  add(post: NewPost): number;
  find(device: string, post: string): { readonly seq: number; readonly ts: number } | undefined;
  read(after: number, limit: number): (NewPost & { readonly seq: number })[];
  /** Deletes posts up to and including `seq`, and those before `ts`. */
  cut(limits: { readonly through: number; readonly before: number }): number;
}

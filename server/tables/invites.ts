/** The part of the storage port that keeps invitations. */

/** An invitation as stored. Times in milliseconds since 1970. */
export interface Invite {
  /** Base64url of the token's SHA-256. */
  readonly hash: string;
  readonly note: string;
  readonly left: number;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Invitations. */
export interface Invites {
  add(invite: Invite): void;
  get(hash: string): Invite | undefined;
  /** One account was made with it. */
  use(hash: string): void;
  list(): Invite[];
  remove(hash: string): void;
}

/**
 * The instance token: the same for all processes that use a profile folder at one time, another one for a copy of the
 * folder. So the server can tell a second window from a second machine that was given somebody's profile.
 */
import { randomId } from "../../lib/base/ids.ts";
import { holdSharedToken, type SharedToken } from "../../lib/sql/shared_token.ts";

/** The file in `folder` that carries the token. */
export function instanceFile(folder: string): string {
  return `${folder}/instance`;
}

/** Holds the token (UUID) of the profile in `folder` until it is released, or the process ends. Throws `AppError`. */
export function holdInstance(folder: string): SharedToken {
  return holdSharedToken(instanceFile(folder), randomId());
}

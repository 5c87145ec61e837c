/** What a device saw of its account's archive, told to the account's other devices so that they can compare. */
import { countField, textField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** The last batch of the archive. */
export interface ArchiveSeenBody {
  readonly position: number;
  readonly revision: number;
  /** SHA-256 of the sealed batch, base64url. */
  readonly hash: string;
}

/** Characters of a hash in base64url. */
const hashChars = 43;

/** Kind `archive_seen`. */
export const archiveSeenKind: ContentKind<ArchiveSeenBody> = {
  silent: true,
  encode: (body) => ({ ...seenOf({ ...body }) }),
  decode: seenOf,
};

function seenOf(fields: Readonly<Record<string, unknown>>): ArchiveSeenBody {
  return {
    position: countField(fields["position"]),
    revision: countField(fields["revision"]),
    hash: textField(fields["hash"], hashChars),
  };
}

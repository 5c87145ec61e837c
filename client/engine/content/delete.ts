/** Taking back a message of one's own. */
import { uuidField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** Which message. */
export interface DeleteBody {
  /** The message's id (UUID). */
  readonly to: string;
}

/** Kind `delete`. */
export const deleteKind: ContentKind<DeleteBody> = {
  silent: true,
  encode: ({ to }) => ({ to: uuidField(to) }),
  decode: ({ to }) => ({ to: uuidField(to) }),
};

/** What a device saw of its server's directory, told to the others of a conversation so that they can compare. */
import { contentLimits } from "../../../lib/base/limits.ts";
import { textField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** A signed checkpoint as its server gave it. */
export interface CheckpointBody {
  /** Of the format c2sp.org/tlog-checkpoint, at most 2 KiB. Whose it is and whether it holds is not looked at here. */
  readonly checkpoint: string;
}

/** Kind `checkpoint`. */
export const checkpointKind: ContentKind<CheckpointBody> = {
  silent: true,
  encode: checkpointOf,
  decode: checkpointOf,
};

function checkpointOf(
  { checkpoint }: { readonly checkpoint?: unknown },
): { readonly checkpoint: string } {
  return { checkpoint: textField(checkpoint, contentLimits.checkpointBytes) };
}

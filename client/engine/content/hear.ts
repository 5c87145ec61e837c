/** A checkpoint that somebody else saw: kept, and compared with one's own in the background. */
import type { CheckpointBody } from "./checkpoint.ts";
import type { ContentHandler } from "./facts.ts";

/** Handler of kind `checkpoint`. */
export const hearCheckpoint: ContentHandler<CheckpointBody> = (core, { from, body }) => {
  const { account, name } = from;
  core.checkpoints.hear({ account, name, checkpoint: body.checkpoint });
  return [{ kind: "run", run: () => core.checkpoints.compareSoon() }];
};

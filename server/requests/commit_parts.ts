/** The body of a request that brings a commit. */

/** Commit, welcome and group info, as they lie in the body. */
export interface CommitParts {
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array;
  readonly groupInfo: Uint8Array;
}

/** The three parts of a whole body; undefined when their declared lengths are not the body's. */
export function commitParts(
  whole: Uint8Array,
  [commit, welcome, groupInfo]: readonly [number, number, number],
): CommitParts | undefined {
  if (commit + welcome + groupInfo !== whole.length) return undefined;
  return {
    commit: whole.subarray(0, commit),
    welcome: whole.subarray(commit, commit + welcome),
    groupInfo: whole.subarray(commit + welcome),
  };
}

/** The body of a request that brings a commit. */
import type { Message } from "../../lib/wire/messages.ts";
import type { Session } from "./session.ts";

/** A request that carries a commit. */
type Carrying = Pick<Message<"conversation.commit">, "hash" | "parts">;

/** Commit, welcome and group info, as they lie in the body. */
export interface CommitParts {
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array;
  readonly groupInfo: Uint8Array;
}

/** The body's three parts, with what was staged of it; undefined when their lengths are not the body's. */
export function commitParts(
  { device, services }: Session,
  { message, body }: { readonly message: Carrying; readonly body: Uint8Array },
): CommitParts | undefined {
  const whole = services.staged.take({ device, hash: message.hash }, body);
  const [commit, welcome, groupInfo] = message.parts;
  if (commit + welcome + groupInfo !== whole.length) return undefined;
  return {
    commit: whole.subarray(0, commit),
    welcome: whole.subarray(commit, commit + welcome),
    groupInfo: whole.subarray(commit + welcome),
  };
}

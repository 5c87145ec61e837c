/** What was typed in the interactive client is kept for its arrow keys, and goes with the message that came of it. */
import { InputLines } from "../../store/input_lines.ts";
import type { StoredMessage } from "../../store/messages.ts";
import type { Core } from "../core.ts";

/** An own message loses its words: so do the lines of input that said them. In the caller's transaction. */
export function forgetTyped(
  { sealed }: Pick<Core, "sealed">,
  { own, content }: Pick<StoredMessage, "own" | "content">,
): void {
  if (own && content.text !== "") new InputLines(sealed).forget(content.text);
}

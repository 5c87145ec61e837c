/** A message has come for which something was kept. */
import { EarlyContent } from "../../store/early_content.ts";
import type { Core } from "../core.ts";
import type { Effect } from "./facts.ts";
import { type FactsOf, handleSilent } from "./handlers.ts";
import { isSilentName, type SilentName } from "./kinds.ts";

/**
 * Does what came about a message before the message itself could be read. To be called, in the transaction that stores it,
 * for every message that was added or has become readable.
 */
export function applyEarly(core: Core, thread: number, id: string): readonly Effect[] {
  return new EarlyContent(core.sealed).take(thread, id).flatMap((kept) =>
    isKept(kept) ? handleSilent(core, kept) : []
  );
}

/** What this program kept itself, perhaps an older version of it. */
function isKept(kept: unknown): kept is FactsOf<SilentName> {
  return typeof kept === "object" && kept !== null && "kind" in kept && "facts" in kept &&
    typeof kept.kind === "string" && isSilentName(kept.kind);
}

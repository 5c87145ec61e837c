/** What may be sent and taken: the operator's limits, the user's own list. */
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { readFileTypes } from "../../../lib/base/file_types.ts";
import type { FileRules, TransferOptions } from "../api_files.ts";
import type { Core } from "../core.ts";
import type { AllowList } from "./types.ts";

/** Asks the server what it takes. */
export async function askRules({ server }: Pick<Core, "server">): Promise<FileRules> {
  const { message } = await server.request({ type: "file.limits" });
  const { maxBytes, quota, used, keepMs, types } = message;
  return { maxBytes, quota, used, keepMs, types };
}

/** What this user sends and takes: the operator's list unless the client's configuration says otherwise. */
export function ownList(
  { types }: FileRules,
  options: Pick<TransferOptions, "types">,
): AllowList {
  if (options.types === undefined) return types;
  const own = readFileTypes(options.types, types.length === 0 ? undefined : types);
  if (own !== undefined) return own;
  throw new ExitError(
    "usage",
    "fileTypes in the client's configuration is a list like pdf,png or a change like +dwg,-sh or *",
  );
}

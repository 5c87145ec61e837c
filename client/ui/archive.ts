/** How the archive looks as lines of text. */
import type { ArchiveProgress, ArchiveStatus, ArchiveSwitched } from "../engine/api_archive.ts";
import { counted, safe } from "./format.ts";

/** `history: 412 of 412 messages`. */
export function historyLine({ have, total }: ArchiveProgress): string {
  return `history: ${have} of ${counted(total, "message")}`;
}

const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** What is to be known of the archive. */
export function describeArchive(status: ArchiveStatus): string {
  const { complete, damaged, off, problem, bytes, most } = status;
  const size = bytes === undefined || most === undefined
    ? []
    : [`size           ${mib(bytes)} of ${mib(most)}`];
  return [
    `history        ${status.have} of ${counted(status.total, "message")}${
      complete ? "" : " (not everything is here yet)"
    }`,
    ...size,
    `not archived   ${off.length === 0 ? "-" : off.map((name) => safe(name, 64)).join(", ")}`,
    ...(damaged === 0 ? [] : [`damaged        ${counted(damaged, "part")} cannot be read`]),
    ...(problem === undefined ? [] : [`problem        ${safe(problem, 300)}`]),
  ].join("\n");
}

/** What became of turning the archive of a conversation on or off. */
export function describeSwitch(
  conversation: string,
  { kept, switched }: { readonly kept: boolean; readonly switched: ArchiveSwitched },
): string {
  const name = safe(conversation, 64);
  if (kept) {
    return `${name} is archived${switched.done ? "" : " when the server can be reached"}.`;
  }
  const taken = counted(switched.messages, "message");
  return switched.done
    ? `${name} is not archived any more; ${taken} taken out of the archive.`
    : `${name} is not archived any more; ${taken} will be taken out when the server can be reached.`;
}

/**
 * Devices of one account telling each other which end of the archive they saw: a server that shows a new device an older
 * archive than it showed another one is found out as soon as the two can read each other.
 */
import { toBase64url, utf8 } from "../../../lib/base/bytes.ts";
import type { DeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { ArchiveStore } from "../../store/archive.ts";
import { Meta } from "../../store/meta.ts";
import type { Effect } from "../content/facts.ts";
import { queueContent } from "../content/queue.ts";
import type { Core } from "../core.ts";
import type { ArchiveReader } from "./reader.ts";
import { archiveSeen, type Seen } from "./seen.ts";

/** What to do, in the transaction that stores it, when these devices have come into a conversation. */
export function tellNewcomers(
  thread: number,
  added: readonly DeviceCertificate[],
): (core: Core) => readonly Effect[] {
  return (core) => {
    const { account, device: own } = core.own;
    for (const { accountId, deviceKey } of added) {
      const device = toBase64url(deviceKey);
      if (accountId === account && device !== own) tellArchiveSeen(core, thread, device);
    }
    return [];
  };
}

/** Tells a device of this account (base64url) what this one saw, in the first conversation into which it has come. */
function tellArchiveSeen(core: Core, thread: number, device: string): void {
  const meta = new Meta(core.sealed);
  const tail = new ArchiveStore(core.sealed).tail();
  if (tail === undefined || tail.revision === 0) return;
  if (meta.getText("archive told") === device) return;
  meta.set("archive told", utf8(device));
  const { position, revision, hash } = tail;
  queueContent(core, thread, { kind: "archive_seen", body: { position, revision, hash } });
}

/**
 * Compares it with the archive, which was read after that was heard; a difference is told. Rejects when the server could not
 * be asked, and then it is compared another time.
 */
export async function compareSeen(core: Core, reader: ArchiveReader): Promise<void> {
  const seen = archiveSeen(core);
  if (seen === undefined) return;
  const wrong = await difference(core, reader, seen);
  core.sealed.database.transaction(() => {
    // Another one may have been heard meanwhile.
    if (archiveSeen(core)?.at === seen.at) new Meta(core.sealed).remove("archive seen");
  });
  if (wrong === undefined) return;
  core.logger.log("error", "archive_not_as_seen", { wrong });
  core.warn(
    `the server shows this device ${wrong} than another device of yours saw on ` +
      `${new Date(seen.at).toISOString().slice(0, 16).replace("T", " ")} UTC: ` +
      "history may be missing here that is still on that device",
  );
}

async function difference(
  { sealed }: Core,
  reader: ArchiveReader,
  { position, revision, hash }: Seen,
): Promise<string | undefined> {
  const known = new ArchiveStore(sealed).batch(position);
  if (known === undefined || known.revision < revision) return "an older archive";
  if (known.revision === revision) return known.hash === hash ? undefined : "another archive";
  const { batch } = await reader.batch(position);
  return batch.trail[revision - 1] === hash ? undefined : "another archive";
}

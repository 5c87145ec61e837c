/** What the admin socket's requests do in a running server. */
import type { Logger } from "../../lib/base/log.ts";
import { version } from "../../lib/base/version.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import type { AdminHandlers, ConfigAnswer, ReloadAnswer, ServerStatus } from "../admin/protocol.ts";
import type { Storage } from "../operations/contract.ts";
import type { StorageHandle } from "../storage/start.ts";
import { type Announcement, invitationLink, reachedUnder } from "./announce.ts";
import { accountHandlers } from "./account_handlers.ts";
import type { Links } from "./federation.ts";
import { peerHandlers } from "./peer_handlers.ts";
import type { Stopping } from "./stopping.ts";

/** What the handlers work with. */
export interface AdminParts {
  readonly storage: StorageHandle;
  readonly operations: Storage;
  readonly links: Links;
  readonly log: Logger;
  readonly metrics: { readonly address: string } | undefined;
  readonly stopping: Stopping;
  readonly announcement: Announcement;
  /** What holds at the moment. */
  readonly config: () => {
    readonly registration: ServerStatus["registration"];
    readonly consent: ServerStatus["consent"];
    readonly gateways: number;
  };
  /** The same for people. */
  readonly describe: () => ConfigAnswer;
  readonly reloading: { reload(): Promise<ReloadAnswer> };
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** One function for every request. */
export function adminHandlers(parts: AdminParts): AdminHandlers {
  return {
    ...accountHandlers({ ...parts, logger: parts.log, now: Date.now }),
    ...peerHandlers(parts),
    status: () => statusOf(parts),
    reload: () => parts.reloading.reload(),
    "config.show": () => Promise.resolve(parts.describe()),
    stop: () => {
      parts.stopping.command();
      return Promise.resolve({ stopping: true });
    },
  };
}

async function statusOf(parts: AdminParts): Promise<ServerStatus> {
  const { announcement, startedAt } = parts;
  const config = parts.config();
  const { sessionsOnline, accountsOnline, databaseBytes, operations, failures } = await parts
    .storage.status();
  return {
    name: announcement.name,
    version,
    pid: Deno.pid,
    data: announcement.dataFolder,
    startedAt,
    uptimeMs: Date.now() - startedAt,
    port: announcement.listening[0]?.port ?? 0,
    addresses: reachedUnder(announcement),
    fingerprint: fingerprintHex(announcement.identityKey),
    link: invitationLink(announcement),
    registration: config.registration,
    consent: config.consent,
    gateways: config.gateways,
    sessionsOnline,
    accountsOnline,
    databaseBytes,
    memoryBytes: Deno.memoryUsage().rss,
    operations,
    failures,
    peers: await peersOf(parts),
    metrics: parts.metrics?.address ?? null,
  };
}

/** How many linked servers there are, and what waits for them. */
export async function peersOf(
  parts: Pick<AdminParts, "operations" | "links" | "announcement">,
): Promise<ServerStatus["peers"]> {
  const { peers } = await peerHandlers(parts)["peer.list"]({});
  return {
    known: peers.length,
    linked: peers.filter(({ link }) => link === "linked").length,
    queued: peers.reduce((sum, { queued }) => sum + queued, 0),
  };
}

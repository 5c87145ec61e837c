/** The life of a server: folder, keys, workers, "Ready", signals, orderly end. */
import { pause, systemClock } from "../../lib/base/clock.ts";
import type { CrashPlan } from "../../lib/base/crashpoint.ts";
import { type AppError, asAppError } from "../../lib/base/errors.ts";
import { exitCodes, ExitError } from "../../lib/base/exit_codes.ts";
import { connectionLimits } from "../../lib/base/limits.ts";
import type { Logger, LogLevel } from "../../lib/base/log.ts";
import type { ConfigAnswer } from "../admin/protocol.ts";
import { AdminSocket } from "../admin/socket.ts";
import type { Storage } from "../operations/contract.ts";
import { storageOver } from "../storage/proxy.ts";
import { startStorage, type StorageHandle } from "../storage/start.ts";
import { hostname, reachableAddresses } from "./addresses.ts";
import { type Announcement, readyJson, readyLines } from "./announce.ts";
import { type ServedCertificate, servedCertificate, type TlsSource } from "./certificates.ts";
import { adminHandlers, peersOf } from "./admin_handlers.ts";
import { openFolder } from "./folder.ts";
import { Links } from "./federation.ts";
import { GatewayGroup } from "./gateway_group.ts";
import { type MetricsAddress, MetricsServer } from "./metrics.ts";
import { type Notice, notifyManager } from "./notify.ts";
import { type ServerKeys, serverKeys } from "./keys.ts";
import { killSelf } from "./kill.ts";
import { lockFolder } from "./lock.ts";
import { processFigures } from "./process_figures.ts";
import {
  gatewaySettings,
  type LiveConfig,
  type Reloadable,
  Reloading,
  storageSettings,
} from "./reloading.ts";
import { Stopping, type StopReason } from "./stopping.ts";
import { tryEverything } from "./try_everything.ts";

/** The log, as far as it is the supervisor's to steer. */
interface ServerLog extends Logger {
  readonly lines: Readonly<Record<LogLevel, number>>;
  setLevel(level: LogLevel): void;
  close(): void;
}

/** What the operator has decided. */
export interface SupervisedConfig extends LiveConfig {
  readonly port: number;
  readonly name: string;
  readonly tls: TlsSource;
  readonly lobbyPeers: boolean;
  readonly gateways: number;
  readonly metrics: MetricsAddress | undefined;
}

/** What a server is started with. */
export interface ServerOptions {
  readonly config: SupervisedConfig;
  /** Reads the configuration again; throws `ExitError` when it cannot be used. */
  readonly reconfigure: Reloadable<SupervisedConfig>["read"];
  /** What holds at the moment, setting by setting. */
  readonly describe: () => ConfigAnswer;
  readonly folder: string;
  /** Print one line of JSON instead of lines for people. */
  readonly json: boolean;
  /** Print the invitation link as a QR code too. */
  readonly qr: boolean;
  /** Where the service manager listens, if there is one: NOTIFY_SOCKET. */
  readonly notifySocket: string | undefined;
  /** Only in tests. */
  readonly test: { readonly crash: CrashPlan | undefined; readonly tries: boolean } | undefined;
  readonly print: (line: string) => void;
  readonly openLog: () => ServerLog;
}

/** Ending in order may take this long in all before the rest is cut off, in milliseconds. */
const endMs = 2 * connectionLimits.drainMs + 2000;

/** Ending after a failure: what can still be closed must be closed within this, in milliseconds. */
const failedEndMs = 2000;

/** Runs a server until it is told to stop. Returns the exit code. Throws `ExitError` when it cannot start. */
export async function superviseServer(options: ServerOptions): Promise<number> {
  openFolder(options.folder);
  const lock = await lockFolder(options.folder);
  const log = options.openLog();
  const stopping = new Stopping(log);
  try {
    return await runServer(options, { log, stopping });
  } finally {
    stopping.ignoreSignals();
    log.close();
    lock.release();
  }
}

interface Around {
  readonly log: ServerLog;
  /** What holds at the moment. */
  readonly config: () => SupervisedConfig;
  readonly stopping: Stopping;
}

async function runServer(
  options: ServerOptions,
  { log, stopping }: Omit<Around, "config">,
): Promise<number> {
  let { config } = options;
  const around: Around = { log, stopping, config: () => config };
  const gateways = new GatewayGroup({
    port: options.config.port,
    count: options.config.gateways,
    events: {
      logger: log,
      failed: (cause) => stopping.failed("gateway", cause),
      crash: killSelf,
    },
  });
  let storage: StorageHandle | undefined;
  let admin: AdminSocket | undefined;
  let links: Links | undefined;
  let metrics: MetricsServer | undefined;
  try {
    const keys = await serverKeys(options.folder);
    const certificate = await certify(options, keys, log);
    storage = await openStorage(options, around);
    const operations = storageOver(storage.connect("nothing"));
    const linked = await isLinked(options, operations);
    const announcement = await listen(options, { gateways, keys, certificate, storage, linked });
    links = linksOf(options, { ...around, keys, storage, gateways });
    const live = { log, storage, gateways, links };
    let served = certificate;
    const reloading = new Reloading<SupervisedConfig>({
      read: options.reconfigure,
      apply: async (next) => {
        // First, as it is what may be refused.
        const read = await certify(options, keys, log);
        const other = read.certificate !== served.certificate ||
          read.privateKey !== served.privateKey;
        if (other) await gateways.certify(read);
        served = read;
        await applyConfig(config = next, live);
        return { certificate: other };
      },
      log,
    });
    stopping.onReload(() => void reloading.reload().catch(() => undefined));
    const parts = { gateways, storage, operations, links, log };
    metrics = await startMetrics(options, { ...parts, announcement });
    const known = { ...around, ...parts, announcement, reloading, metrics };
    admin = openAdmin(options, known);
    announce(options, announcement, log);
    const tell = (notice: Notice) => notifyManager(options.notifySocket, notice, { logger: log });
    await tell("READY=1");
    if (options.test?.tries) options.print(await tries(parts, metrics));
    if (linked) void startLinks(parts);
    const reason = await stopping.asked;
    await tell("STOPPING=1");
    return await end(reason, parts);
  } catch (thrown) {
    links?.terminate();
    gateways.terminate();
    await storage?.close();
    throw thrown;
  } finally {
    admin?.close();
    metrics?.terminate();
  }
}

/** Metrics, where the operator wants them. Throws `ExitError` (network). */
async function startMetrics(
  { config, test }: ServerOptions,
  { storage, gateways, log, ...linked }: Running & { readonly announcement: Announcement },
): Promise<MetricsServer | undefined> {
  if (config.metrics === undefined) return undefined;
  const gather = async () => ({
    process: processFigures(),
    storage: await storage.figures(),
    gateways: await gateways.figures(),
    peers: await peersOf(linked),
    logLines: log.lines,
  });
  return await MetricsServer.start(config.metrics, {
    gather,
    logger: log,
    testHooks: test !== undefined,
  });
}

/** Resolves when a configuration holds everywhere. */
async function applyConfig(
  config: SupervisedConfig,
  { log, storage, gateways, links }: Pick<Around, "log"> & {
    readonly storage: StorageHandle;
    readonly gateways: GatewayGroup;
    readonly links: Links;
  },
): Promise<void> {
  log.setLevel(config.logLevel);
  await storage.configure(storageSettings(config));
  await gateways.configure(gatewaySettings(config));
  await links.admitAll(config.peers === "open");
}

/** The operator's way in; there from before "Ready" until everything is closed. */
function openAdmin(
  { folder, describe }: ServerOptions,
  parts: Around & {
    readonly reloading: Reloading<SupervisedConfig>;
    readonly storage: StorageHandle;
    readonly operations: Storage;
    readonly links: Links;
    readonly announcement: Announcement;
    readonly metrics: MetricsServer | undefined;
  },
): AdminSocket {
  const startedAt = Date.now();
  const handlers = adminHandlers({ ...parts, describe, startedAt });
  return new AdminSocket({ folder, handlers, logger: parts.log });
}

interface Running {
  readonly gateways: GatewayGroup;
  readonly storage: StorageHandle;
  readonly operations: Storage;
  readonly links: Links;
  readonly log: ServerLog;
}

/** Links with other servers, not begun yet. */
function linksOf(
  { test }: ServerOptions,
  { keys, storage, gateways, log, stopping, config }:
    & Around
    & Pick<Running, "storage" | "gateways">
    & {
      readonly keys: ServerKeys;
    },
): Links {
  return new Links(() => ({
    identitySeed: keys.identity.seed,
    serverName: config().name,
    open: config().peers === "open",
    lobby: config().lobbyPeers,
    testHooks: test !== undefined,
    storage: storage.connect("peers"),
    gateways: gateways.linkPeers(),
  }), { logger: log, failed: (cause) => stopping.failed("federation", cause) });
}

/** Whether there is somebody to link with. */
async function isLinked({ config }: ServerOptions, operations: Storage): Promise<boolean> {
  return config.peers === "open" || (await operations.call("peer.list", {})).peers.length > 0;
}

async function startLinks({ links, log }: Running): Promise<void> {
  try {
    await links.start();
  } catch (thrown) {
    log.log("error", "links_not_started", { cause: String(thrown) });
  }
}

function tries(
  { gateways, storage, links }: Running,
  metrics: MetricsServer | undefined,
): Promise<string> {
  return tryEverything({
    ...metrics === undefined ? {} : { metrics: (what) => metrics.try(what) },
    gateway: (what) => gateways.try(what),
    storage: (what) => storage.attempt(what),
    federation: (what) => links.try(what),
  });
}

async function certify(
  { config, folder }: ServerOptions,
  keys: ServerKeys,
  log: Logger,
): Promise<ServedCertificate> {
  const certificate = await servedCertificate(config.tls, {
    folder,
    serverName: config.name,
    identityKey: keys.identity.publicKey,
    hosts: [...new Set([hostname(), ...reachableAddresses()])],
    now: Date.now(),
  });
  if (certificate.note !== undefined) log.log("info", "certificate", { note: certificate.note });
  return certificate;
}

/** The database is made last: where it is, the first start was finished once. */
async function openStorage(
  { config, folder, test }: ServerOptions,
  { log, stopping }: Around,
): Promise<StorageHandle> {
  const crash = test?.crash;
  const storage = await startStorage({
    dataDir: folder,
    ...storageSettings(config),
    onTrouble: (operation, cause) => log.log("error", "operation_failed", { operation, cause }),
    ...(test === undefined
      ? {}
      : { testHooks: crash === undefined ? { kill: killSelf } : { crash, kill: killSelf } }),
  }).catch((thrown: unknown) => {
    const { code, message } = asAppError(thrown);
    const reason = code === "unsupported_version" ? "version" : "localData";
    throw new ExitError(reason, message, { cause: thrown });
  });
  void storage.failed.then((error) => stopping.failed("storage", causeOf(error)));
  return storage;
}

function causeOf(error: AppError): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

async function listen(
  { config, folder, test }: ServerOptions,
  parts: {
    readonly gateways: GatewayGroup;
    readonly keys: ServerKeys;
    readonly certificate: ServedCertificate;
    readonly storage: StorageHandle;
    readonly linked: boolean;
  },
): Promise<Announcement> {
  const { keys, certificate, storage, linked: peers } = parts;
  const listening = await parts.gateways.start({
    cert: certificate.certificate,
    key: certificate.privateKey,
    authority: certificate.authority,
    identitySeed: keys.identity.seed,
    opaqueSetup: keys.opaqueSetup,
    serverName: config.name,
    settings: gatewaySettings(config),
    testHooks: test !== undefined,
    crash: test?.crash,
  }, { storage: () => storage.connect(), peers });
  return {
    name: config.name,
    dataFolder: folder,
    listening,
    reachable: reachableAddresses(),
    hostname: hostname(),
    identityKey: keys.identity.publicKey,
  };
}

function announce(options: ServerOptions, announcement: Announcement, log: Logger): void {
  log.log("info", "ready", {
    name: announcement.name,
    port: announcement.listening[0]?.port,
    gateways: options.config.gateways,
  });
  const lines = options.json ? [readyJson(announcement)] : readyLines(announcement, options);
  for (const line of lines) options.print(line);
}

async function end(reason: StopReason, running: Running): Promise<number> {
  if (reason.kind === "failed") return await endFailed(running);
  const { gateways, storage, links, log } = running;
  log.log("info", "stopping", { by: reason.kind === "signal" ? reason.signal : "command" });
  const inOrder = links.close().then(() => gateways.close());
  await Promise.race([inOrder, pause(systemClock, endMs)]);
  links.terminate();
  gateways.terminate();
  await storage.close();
  log.log("info", "stopped");
  return exitCodes.done;
}

/** What was acknowledged is on the disk already; closing the database only makes the next start quicker. */
async function endFailed({ gateways, storage, links }: Running): Promise<number> {
  links.terminate();
  gateways.terminate();
  const closed = storage.close().catch(() => undefined);
  await Promise.race([closed, pause(systemClock, failedEndMs)]);
  return exitCodes.failed;
}

/** What a doctor looks at on the server's side: each check by its name, in the order in which things are needed. */
import { exitCodes, ExitError } from "../lib/base/exit_codes.ts";
import { RunningServer } from "./admin/ask.ts";
import type { ServerStatus } from "./admin/protocol.ts";
import { sizeText, valueText } from "./admin/text.ts";
import { certificateOf, lookInto, type Part } from "./backup/check.ts";
import { type ServerConfig, settingValues } from "./config.ts";
import { addressText } from "./config_address.ts";
import { settingNames, settings } from "./config_settings.ts";
import type { Finding } from "./doctor_finding.ts";
import { healthOf } from "./health.ts";
import type { RunningFacts } from "./running.ts";

/** What the checks are given of the machine. Each function may throw; that is told then. */
export interface DoctorWorld {
  /** The data folder. */
  readonly folder: string;
  readonly configFile: string;
  /** Whether that file is there. */
  readonly configFound: boolean;
  /** What a server that is started here would use, or the running one uses. Throws `ExitError`. */
  readonly configure: () => ServerConfig;
  /** The server that runs on the folder. */
  readonly running: Pick<RunningFacts, "pid" | "port"> | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Bytes that are free for this user where `path` is; undefined where that is not told. */
  readonly freeBytes: (path: string) => number | undefined;
  /** Files that a process, else any of this user, may have open; undefined where that is not told. */
  readonly openFiles: (pid?: number) => Promise<number | undefined>;
  /** Why nobody can listen there; undefined when somebody can. */
  readonly cannotListen: (address: { hostname: string; port: number }) => string | undefined;
}

/** The part of it that is the same whatever server is meant. */
export type Machine = Pick<DoctorWorld, "now" | "freeBytes" | "openFiles" | "cannotListen">;

/** A check. */
export interface Check {
  readonly name: string;
  readonly look: (world: DoctorWorld) => readonly Finding[] | Promise<readonly Finding[]>;
}

/** Free bytes below which a server is in danger, and below which it has no future. */
const room = { warn: 1024 ** 3, fail: 64 * 1024 ** 2 };
/** Files that a server has open beside its connections. */
const ownFiles = 256;
/** A file may be newer than the clock says by this much before the clock is doubted, in milliseconds. */
const aheadMs = 60 * 1000;
/** How long a running server may take to greet, in milliseconds. */
const healthMs = 10_000;
/** No clock that is right is before this. */
const leastTime = Date.UTC(2025, 0, 1);

/** All checks. */
export const serverChecks: readonly Check[] = [
  { name: "config", look: lookAtConfig },
  { name: "folder", look: lookAtFolder },
  { name: "disk", look: lookAtDisk },
  { name: "clock", look: lookAtClock },
  { name: "identity", look: (world) => lookAtPart(world, "identity") },
  { name: "passwords", look: (world) => lookAtPart(world, "passwords") },
  { name: "certificate", look: lookAtCertificate },
  { name: "database", look: (world) => lookAtPart(world, "database") },
  { name: "open files", look: lookAtLimits },
  { name: "server", look: lookAtServer },
  { name: "reach", look: lookFromOutside },
];

function lookAtConfig({ configFile, configFound, configure }: DoctorWorld): Finding[] {
  const check = "config";
  try {
    const { problems } = configure();
    if (problems.length === 0) {
      const text = configFound
        ? `${configFile} can be used`
        : `there is no ${configFile}, and none is needed`;
      return [{ check, level: "ok", text }];
    }
    return problems.map(({ line, text }) => ({
      check,
      level: "fail",
      text: `${configFile}:${line}: ${text}`,
      advice: "correct that line; a start would ignore what cannot be used",
      exit: exitCodes.localData,
    }));
  } catch (thrown) {
    if (!(thrown instanceof ExitError)) throw thrown;
    return [{ check, level: "fail", text: thrown.message, exit: thrown.exitCode }];
  }
}

/** Whether there is a server in the folder already. */
function isThere(folder: string): boolean {
  try {
    return Deno.statSync(`${folder}/identity.key`).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

function lookAtFolder({ folder, now }: DoctorWorld): Finding[] {
  const check = "folder";
  if (!isThere(folder)) {
    const text = `there is no server in ${folder} yet`;
    const advice = "sealpost server PORT makes one; or name another folder with --data or --home";
    return [{ check, level: "warn", text, advice }];
  }
  const { state, text } = lookInto(folder, "rights", now());
  if (state === "ok") return [{ check, level: "ok", text: `${folder}; ${text}` }];
  return [{ check, level: "warn", text, advice: `chmod -R go= '${folder}'` }];
}

function lookAtDisk({ folder, freeBytes, configure }: DoctorWorld): Finding[] {
  const check = "disk";
  const free = freeBytes(nearest(folder));
  if (free === undefined) return [{ check, level: "skip", text: "free space is not told here" }];
  const text = `${sizeText(free)} free where the data is`;
  const advice = "make room, or move the folder: what cannot be written is refused, not lost";
  if (free < room.fail) return [{ check, level: "fail", text, advice, exit: exitCodes.localData }];
  if (free < room.warn) return [{ check, level: "warn", text, advice }];
  const { bytesInAll } = configure().files;
  if (free < bytesInAll) {
    const most = sizeText(bytesInAll);
    return [{
      check,
      level: "warn",
      text: `${text}, but files of users may take ${most}`,
      advice: "set fileSpace below what the disk has to spare",
    }];
  }
  return [{ check, level: "ok", text }];
}

/** The folder, or what there is of the way to it. */
function nearest(folder: string): string {
  for (let path = folder; path.length > 1; path = path.slice(0, path.lastIndexOf("/"))) {
    try {
      if (Deno.statSync(path).isDirectory) return path;
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
  return "/";
}

function lookAtClock({ folder, now }: DoctorWorld): Finding[] {
  const check = "clock";
  const time = new Date(now()).toISOString();
  const advice = "set it (timedatectl set-ntp true): certificates and expiry go by it";
  if (now() < leastTime) {
    return [{ check, level: "fail", text: `it says ${time}`, advice, exit: exitCodes.failed }];
  }
  const newest = isThere(folder) ? newestIn(folder) : 0;
  if (newest > now() + aheadMs) {
    const text = `it says ${time}, but files of the server are from ${
      new Date(newest).toISOString()
    }`;
    return [{ check, level: "warn", text, advice }];
  }
  const text = `it says ${time}; whether that is right cannot be known from here alone`;
  return [{ check, level: "ok", text }];
}

function newestIn(folder: string): number {
  const times = [...Deno.readDirSync(folder)]
    .map(({ name }) => Deno.lstatSync(`${folder}/${name}`).mtime?.getTime() ?? 0);
  return Math.max(0, ...times);
}

const levels = { ok: "ok", warning: "warn", broken: "fail" } as const;

function lookAtPart({ folder, now }: DoctorWorld, part: Part): Finding[] {
  if (!isThere(folder)) return [{ check: part, level: "skip", text: "the first start makes it" }];
  return [partFinding(part, lookInto(folder, part, now()))];
}

function partFinding(check: string, { state, text }: ReturnType<typeof lookInto>): Finding {
  const level = levels[state];
  if (level !== "fail") return { check, level, text };
  const advice = "sealpost server restore puts a backup into an empty folder";
  return { check, level, text, advice, exit: exitCodes.localData };
}

function lookAtCertificate(world: DoctorWorld): Finding[] {
  const { tls } = world.configure();
  if (tls.kind === "own") return lookAtPart(world, "certificate").map(renewed);
  const { advice: _, ...finding } = partFinding("certificate", certificateOf(tls, world.now()));
  return finding.level === "ok" ? [finding] : [{
    ...finding,
    advice: `look at ${tls.cert} and ${tls.key}; sealpost server reload takes new ones`,
  }];
}

/** A server's own certificate comes anew with a reload or start; anything else about it is damage. */
function renewed(finding: Finding): Finding {
  const renews = finding.text.endsWith("renews it");
  return renews ? { ...finding, advice: "sealpost server reload" } : finding;
}

async function lookAtLimits({ openFiles, configure, running }: DoctorWorld): Promise<Finding[]> {
  const check = "open files";
  const most = await openFiles(running?.pid);
  if (most === undefined) {
    const text = "how many files may be open is not told here";
    return [{ check, level: "skip", text, advice: "ulimit -n shows it" }];
  }
  const { connections } = configure().limits;
  const text = `${most} files may be open at once`;
  if (most >= connections + ownFiles) return [{ check, level: "ok", text }];
  return [{
    check,
    level: "warn",
    text: `${text}, but ${connections} connections are allowed`,
    advice: `ulimit -n ${connections + ownFiles} (or LimitNOFILE= in a unit), or fewer connections`,
  }];
}

async function lookAtServer(world: DoctorWorld): Promise<Finding[]> {
  const check = "server";
  const config = world.configure();
  using server = await RunningServer.find(world.folder);
  if (server === undefined) return lookAtPorts(world, config);
  const { ok, text } = await healthOf({ folder: world.folder, timeoutMs: healthMs });
  if (!ok) {
    const advice = "sealpost server logs --level warning may say why";
    return [{ check, level: "fail", text, advice, exit: exitCodes.failed }];
  }
  const status = await server.ask("status", {});
  return [
    { check, level: "ok", text: `process ${status.pid} ${text}` },
    ...failures(status),
    ...await waitingChanges(server, config),
  ];
}

function failures({ failures, operations }: ServerStatus): Finding[] {
  if (failures === 0) return [];
  const text = `${failures} of ${operations} operations have failed since it was started`;
  const advice = "sealpost server logs --level error";
  return [{ check: "server", level: "warn", text, advice }];
}

/** What stands in the file and does not hold yet. */
async function waitingChanges(server: RunningServer, config: ServerConfig): Promise<Finding[]> {
  const { settings: rows } = await server.ask("config.show", {});
  const values = settingValues(config);
  const waiting = settingNames.filter((name) => {
    const row = rows.find(({ setting }) => setting === name);
    return row !== undefined && row.from !== "flag" && config.origins[name] === "file" &&
      row.value !== values[name];
  });
  return waiting.map((name) => ({
    check: "config",
    level: "warn",
    text: `the file says ${name}: ${valueText(values[name])}, which does not hold yet`,
    advice: settings[name].live ? "sealpost server reload" : "restart the server",
  }));
}

/** Where no server runs, its ports have to be free. */
function lookAtPorts({ cannotListen }: DoctorWorld, { port, metrics }: ServerConfig): Finding[] {
  const addresses = [{ hostname: "0.0.0.0", port }, ...metrics === undefined ? [] : [metrics]];
  const taken = addresses.flatMap((address): Finding[] => {
    const why = cannotListen(address);
    if (why === undefined) return [];
    const text = `${addressText(address)} cannot be listened on: ${why}`;
    const advice = "stop what listens there, or choose another port";
    return [{ check: "ports", level: "fail", text, advice, exit: exitCodes.network }];
  });
  const free = addresses.map(({ port }) => port).join(" and ");
  return [
    { check: "server", level: "skip", text: "none is running on this folder" },
    ...taken.length > 0
      ? taken
      : [{ check: "ports", level: "ok", text: `port ${free} is free` } as const],
  ];
}

function lookFromOutside({ configure, running }: DoctorWorld): Finding[] {
  const { port } = running ?? configure();
  const text = `whether other machines reach port ${port} cannot be known from here`;
  const advice = "sealpost client doctor on another machine; look at the firewall and the router";
  return [{ check: "reach", level: "skip", text, advice }];
}

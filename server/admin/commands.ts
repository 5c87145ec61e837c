/** The operator's commands: what they ask a running server, and what they print. */
import { exitCodes } from "../../lib/base/exit_codes.ts";
import { typedLine } from "../../lib/base/json_line.ts";
import { formatFingerprint, parseFingerprint } from "../../lib/crypto/fingerprint.ts";
import {
  type AccountWorld,
  type InviteCommand,
  runInviteCommand,
  runUserCommand,
  type UserCommand,
} from "./account_commands.ts";
import { RunningServer } from "./ask.ts";
import { storedFingerprint } from "./identity.ts";
import { type PeerCommand, type PeerWorld, runPeerCommand } from "./peer_commands.ts";
import type { ServerStatus } from "./protocol.ts";
import { reloadLines, sizeText, spanText } from "./text.ts";

/** An operator's command, read from the command line. */
export type AdminCommand =
  | { readonly kind: "status"; readonly json: boolean }
  | { readonly kind: "stop"; readonly json: boolean }
  | { readonly kind: "reload"; readonly json: boolean }
  | { readonly kind: "fingerprint"; readonly json: boolean }
  | UserCommand
  | InviteCommand
  | PeerCommand;

/** Where a command runs: `folder` is the server's data folder. */
export type AdminWorld = PeerWorld & AccountWorld;

/** Runs a command; returns the exit code. Throws `ExitError`. */
export async function runAdmin(command: AdminCommand, world: AdminWorld): Promise<number> {
  switch (command.kind) {
    case "status":
      return await showStatus(command.json, world);
    case "stop":
      return await stop(command.json, world);
    case "reload":
      return await reload(command.json, world);
    case "fingerprint":
      return await showFingerprint(command.json, world);
    case "user":
      return await runUserCommand(command, world);
    case "invite":
      return await runInviteCommand(command, world);
    case "peer":
      return await runPeerCommand(command, world);
  }
}

async function reload(json: boolean, { folder, print }: AdminWorld): Promise<number> {
  using server = await RunningServer.connect(folder);
  const answer = await server.ask("reload", {});
  if (json) print(typedLine("reloaded", answer));
  else reloadLines(answer).forEach((line) => print(line));
  return exitCodes.done;
}

async function showStatus(json: boolean, { folder, print }: AdminWorld): Promise<number> {
  using server = await RunningServer.connect(folder);
  const status = await server.ask("status", {});
  if (json) print(typedLine("status", status));
  else statusLines(status).forEach((line) => print(line));
  return exitCodes.done;
}

/** The status for people. */
function statusLines(status: ServerStatus): string[] {
  const { sessionsOnline, accountsOnline } = status;
  const rows: readonly (readonly [string, string])[] = [
    [
      "Running",
      `for ${spanText(status.uptimeMs)}, process ${status.pid}, version ${status.version}`,
    ],
    ["Data folder", status.data],
    ["Listening on", status.addresses.join(", ")],
    ["Fingerprint", formatFingerprint(parseFingerprint(status.fingerprint))],
    ["Invitation", status.link],
    ["Registration", status.registration],
    ["Consent", status.consent],
    ["Online", `${accountsOnline} accounts in ${sessionsOnline} sessions`],
    ["Database", sizeText(status.databaseBytes)],
    ["Memory", sizeText(status.memoryBytes)],
    ["Linked", peersText(status.peers)],
    ...status.metrics === null ? [] : [["Metrics", `http://${status.metrics}/metrics`] as const],
    ["Operations", `${status.operations} since the start, ${status.failures} failed`],
  ];
  const lines = rows.map(([name, text]) => `${`${name}:`.padEnd(14)}${text}`);
  return [`Sealpost server "${status.name}"`, ...lines];
}

function peersText({ known, linked, queued }: ServerStatus["peers"]): string {
  if (known === 0) return "with no server";
  return `with ${linked} of ${known} servers, ${queued} messages wait for them`;
}

async function stop(json: boolean, { folder, print }: AdminWorld): Promise<number> {
  using server = await RunningServer.connect(folder);
  await server.ask("stop", {});
  await server.ended();
  print(json ? typedLine("stopped", {}) : "The server has stopped.");
  return exitCodes.done;
}

/** Needs no running server: the identity is in the data folder. */
async function showFingerprint(json: boolean, { folder, print }: AdminWorld): Promise<number> {
  const fingerprint = storedFingerprint(folder);
  using server = await RunningServer.find(folder);
  const link = (await server?.ask("status", {}))?.link;
  if (json) print(typedLine("fingerprint", { fingerprint, link: link ?? null }));
  else {
    print(`Fingerprint:  ${formatFingerprint(parseFingerprint(fingerprint))}`);
    if (link !== undefined) print(`Invitation:   ${link}`);
  }
  return exitCodes.done;
}

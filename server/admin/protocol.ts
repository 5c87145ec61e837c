/**
 * What an operator's commands and a running server say to each other over the admin socket: one JSON object a line, a
 * request and then its answer. Both ends are the same program, but not always the same version of it: fields are only
 * ever added.
 */
import { exitCodes, ExitError, type ExitReason } from "../../lib/base/exit_codes.ts";
import type { AccountRow, InviteRow } from "../operations/contract.ts";
import type { PeerRow } from "../operations/contract.ts";

/** Figures of a running server. Times in milliseconds, sizes in bytes. */
export interface ServerStatus {
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  readonly data: string;
  readonly startedAt: number;
  readonly uptimeMs: number;
  readonly port: number;
  readonly addresses: readonly string[];
  readonly fingerprint: string;
  readonly link: string;
  readonly registration: "open" | "invite" | "closed";
  /** Who has to ask before writing to a stranger. */
  readonly consent: "none" | "remote" | "all";
  readonly gateways: number;
  readonly sessionsOnline: number;
  readonly accountsOnline: number;
  readonly databaseBytes: number;
  readonly memoryBytes: number;
  /** Storage operations since the start, and those that failed. */
  readonly operations: number;
  readonly failures: number;
  /** Servers that were added, those of them with a link, and what waits for all of them. */
  readonly peers: { readonly known: number; readonly linked: number; readonly queued: number };
  /** `host:port` of the metrics; null where there are none. */
  readonly metrics: string | null;
}

/** A linked server, and how the link with it stands. Times in milliseconds since 1970. */
export interface PeerStatus {
  readonly name: string;
  readonly declared: string;
  readonly fingerprint: string;
  readonly address: string | null;
  readonly pin: PeerRow["pin"];
  readonly state: PeerRow["state"];
  /** With `changed`: the fingerprint of whoever answers instead. */
  readonly seen: string | null;
  readonly addedAt: number;
  readonly linkedAt: number | null;
  readonly queued: number;
  readonly queuedBytes: number;
  readonly link: "linked" | "dialling" | "waiting" | "off";
  readonly linkSince: number | null;
  /** Which side dialled. */
  readonly dialled: "by_us" | "by_them" | null;
  /** What went wrong last. */
  readonly trouble: { readonly code: string; readonly text: string; readonly at: number } | null;
  readonly nextAt: number | null;
}

/** A setting whose value is another one now than before; as it is written in the configuration file. */
export interface ConfigChange {
  readonly setting: string;
  readonly from: string | number | boolean | null;
  readonly to: string | number | boolean | null;
}

/** What reading the configuration again has changed. */
export interface ReloadAnswer {
  /** The configuration file, and whether there is one. */
  readonly file: string;
  readonly found: boolean;
  /** What holds from now on. */
  readonly applied: readonly ConfigChange[];
  /** What waits for a restart. */
  readonly restart: readonly ConfigChange[];
  /** Whether new connections get another certificate: its files have changed, or it was time to renew the own one. */
  readonly certificate: boolean;
  /** Settings of the file that do not count because of a flag on the server's command line. */
  readonly overruled: readonly string[];
}

/** A setting, as it is written in the configuration file, and where its value comes from. */
export interface SettingRow {
  readonly setting: string;
  /** Null where nothing is set and the default is no value of its own. */
  readonly value: string | number | boolean | null;
  readonly from: "default" | "file" | "environment" | "flag";
  /** Whether a change counts while the server runs. */
  readonly live: boolean;
}

/** What a running server goes by. */
export interface ConfigAnswer {
  /** The configuration file, whether there is one or not. */
  readonly file: string;
  readonly fileFrom: SettingRow["from"];
  readonly settings: readonly SettingRow[];
}

/** Every request by its name: what it takes and what it answers. */
export interface AdminRequests {
  status: { in: Record<never, never>; out: ServerStatus };
  /** Answered at once; the connection ends when the server has. */
  stop: { in: Record<never, never>; out: { readonly stopping: true } };
  /** Reads the configuration file again. */
  reload: { in: Record<never, never>; out: ReloadAnswer };
  "config.show": { in: Record<never, never>; out: ConfigAnswer };
  "user.list": {
    in: { readonly after?: string; readonly limit: number };
    out: { readonly users: readonly AccountRow[]; readonly more: boolean };
  };
  "user.disable": {
    in: { readonly name: string; readonly disabled: boolean };
    out: Record<never, never>;
  };
  /** What there was of it. */
  "user.delete": {
    in: { readonly name: string };
    out: {
      readonly name: string;
      readonly account: string;
      readonly groups: number;
      readonly direct: number;
      readonly files: number;
    };
  };
  /** `needed`: whether an account can be made with an invitation alone. */
  "invite.make": {
    in: { readonly note: string; readonly uses: number; readonly days: number };
    out: InviteRow & {
      readonly link: string;
      readonly uses: number;
      readonly needed: boolean;
    };
  };
  "invite.list": { in: Record<never, never>; out: { readonly invites: readonly InviteRow[] } };
  "invite.revoke": { in: { readonly id: string }; out: Record<never, never> };
  "peer.add": {
    in: {
      /** `HOST:PORT` or an invitation link. */
      readonly address: string;
      readonly fingerprint?: string;
      readonly name?: string;
    };
    out: PeerStatus;
  };
  "peer.list": { in: Record<never, never>; out: { readonly peers: readonly PeerStatus[] } };
  "peer.pause": { in: { readonly name: string }; out: PeerStatus };
  "peer.resume": { in: { readonly name: string }; out: PeerStatus };
  /** By name, or by the fingerprint of any server. What waited for it is gone. */
  "peer.block": { in: { readonly name: string }; out: PeerStatus };
  "peer.unblock": { in: { readonly name: string }; out: PeerStatus };
  /** `drop`: also when something waits for it. */
  "peer.remove": {
    in: { readonly name: string; readonly drop: boolean };
    out: { readonly dropped: number };
  };
}

/** The name of a request. */
export type AdminAction = keyof AdminRequests;
/** What a request takes. */
export type AdminInput<A extends AdminAction> = AdminRequests[A]["in"];
/** What it answers. */
export type AdminOutput<A extends AdminAction> = AdminRequests[A]["out"];

/** One function for every request. What they throw is told the operator: `ExitError` as it is. */
export type AdminHandlers = {
  readonly [A in AdminAction]: (input: AdminInput<A>) => Promise<AdminOutput<A>>;
};

/** The line that asks `action`. */
export function requestLine<A extends AdminAction>(action: A, input: AdminInput<A>): string {
  return JSON.stringify({ v: 1, do: action, with: input });
}

/** What a line asks for. Throws `ExitError` (usage). */
export function readRequest(line: string): { readonly action: string; readonly input: object } {
  const value = parse(line);
  if (typeof value === "object" && value !== null && "do" in value && "with" in value) {
    const { do: action, with: input } = value;
    if (typeof action === "string" && typeof input === "object" && input !== null) {
      return { action, input };
    }
  }
  throw new ExitError("usage", "that is not a request of this program");
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new ExitError("usage", "that is not a request of this program", { cause });
  }
}

/** The line that answers with `output`. */
export function answerLine(output: object): string {
  return JSON.stringify({ v: 1, ok: output });
}

/** The line that says why not. Causes of one's own failures stay with the server's log. */
export function refusalLine(thrown: unknown): string {
  const known = thrown instanceof ExitError;
  const text = known ? thrown.message : "the server failed to do that; its log says why";
  return JSON.stringify({ v: 1, refused: { reason: known ? thrown.reason : "failed", text } });
}

/** What an answer's line carries. Throws the `ExitError` that a refusal stands for. */
export function readAnswer<A extends AdminAction>(line: string): AdminOutput<A> {
  const value = parse(line);
  if (typeof value === "object" && value !== null) {
    // The other end is this program: what it answers to a request has that request's shape.
    if ("ok" in value) return value.ok as AdminOutput<A>;
    if ("refused" in value) throw readRefusal(value.refused);
  }
  throw new ExitError(
    "version",
    "the running server answers in a way that this version does not know",
  );
}

function readRefusal(refused: unknown): ExitError {
  const { reason, text } = Object(refused);
  const known = typeof reason === "string" && Object.hasOwn(exitCodes, reason);
  return new ExitError(known ? reason as ExitReason : "failed", String(text));
}

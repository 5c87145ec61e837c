/** Reading the configuration again while the server runs: one after another, and never by halves. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { LogFields, Logger, LogLevel } from "../../lib/base/log.ts";
import type { ConfigChange, ReloadAnswer } from "../admin/protocol.ts";
import type { GatewaySettings } from "../gateway/control.ts";
import type { FileSettings } from "../operations/contract.ts";
import type { StorageSettings } from "../storage/start.ts";

/** What the operator decides, and may decide anew while the server runs. */
export interface LiveConfig {
  readonly registration: "open" | "invite" | "closed";
  readonly consent: "none" | "remote" | "all";
  /** Whether servers may link that nobody has added. */
  readonly peers: "open" | "listed";
  readonly logLevel: LogLevel;
  readonly files: FileSettings;
  readonly limits: {
    readonly connections: number;
    readonly connectionsPerAddress: number;
    readonly registrationsPerHour: number;
  };
}

/** The storage side's part of a configuration. */
export function storageSettings(
  { registration, consent, files, limits, lobbyPeers }: LiveConfig & {
    readonly lobbyPeers: boolean;
  },
): StorageSettings {
  const { registrationsPerHour } = limits;
  return { registration, consent, files, registrationsPerHour, lobbyPeers };
}

/** The network side's part. */
export function gatewaySettings({ registration, limits }: LiveConfig): GatewaySettings {
  const { connections, connectionsPerAddress } = limits;
  return { registration, connections, connectionsPerAddress };
}

/** A configuration that was read and is to hold. */
export interface ReadConfig<C extends LiveConfig> {
  readonly config: C;
  readonly answer: Omit<ReloadAnswer, "certificate">;
  /** It holds now. */
  readonly hold: () => void;
}

/** What has changed beside the settings. */
export type Applied = Pick<ReloadAnswer, "certificate">;

/** The parts of a running server that have to know. */
export interface Reloadable<C extends LiveConfig> {
  /** Reads what is to hold. Throws `ExitError` when that cannot be used; then nothing has changed. */
  readonly read: () => ReadConfig<C>;
  /** Resolves when it holds everywhere. Rejects with `ExitError` when nothing has changed. */
  readonly apply: (config: C) => Promise<Applied>;
  readonly log: Logger;
}

/** Reads and applies configurations, one at a time. */
export class Reloading<C extends LiveConfig> {
  readonly #parts: Reloadable<C>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: Reloadable<C>) {
    this.#parts = parts;
  }

  /** Resolves when what the file says holds. Rejects with `ExitError` when nothing was changed. */
  reload(): Promise<ReloadAnswer> {
    const next = this.#last.then(() => this.#reload());
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #reload(): Promise<ReloadAnswer> {
    const { read, apply, log } = this.#parts;
    try {
      const { config, answer: changes, hold } = read();
      const answer = { ...changes, ...await apply(config) };
      hold();
      log.log("info", "reloaded", changeFields(answer));
      return answer;
    } catch (thrown) {
      const cause = thrown instanceof ExitError ? thrown.message : String(thrown);
      log.log("error", "reload_failed", { cause });
      throw thrown;
    }
  }
}

function changeFields({ applied, restart, certificate }: ReloadAnswer): LogFields {
  const text = (changes: readonly ConfigChange[]) =>
    changes.length === 0
      ? undefined
      : changes.map(({ setting, to }) => `${setting}=${String(to)}`).join(" ");
  return { applied: text(applied) ?? "nothing", restart: text(restart), certificate };
}

/** The supervisor's side of the storage worker: starting it, connecting gateways, stopping it. */
import type { Attempt } from "../../lib/base/attempts.ts";
import type { CrashPlan } from "../../lib/base/crashpoint.ts";
import { AppError } from "../../lib/base/errors.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import { type Consent, defaultFileSettings, type Settings } from "../operations/context.ts";
import type { FileSettings } from "../operations/contract.ts";
import type { FromStorage, Hears, StorageFigures, StorageStatus, ToStorage } from "./messages.ts";

export type { StorageFigures, StorageStatus } from "./messages.ts";

/** The name of the database within the data folder. */
export const databaseName = "sealpost.db";

/** The name of the folder of files within it. */
export const filesName = "files";

/** What the operator decides, and may decide anew while it runs. */
export interface StorageSettings {
  /** Whether new accounts are accepted; "open" when left out. */
  readonly registration?: "open" | "invite" | "closed";
  /** Who asks before writing to somebody; "remote" when left out. */
  readonly consent?: Consent;
  /** New accounts from one address in an hour; `serverLimits` when left out. */
  readonly registrationsPerHour?: number;
  /** What the operator decided about files; the defaults when left out. */
  readonly files?: Partial<FileSettings>;
  /** Whether the lobby is mirrored with linked servers; not when left out. */
  readonly lobbyPeers?: boolean;
}

/** How the storage side is to run. */
export interface StorageOptions extends StorageSettings {
  /** Absolute path of the data folder, which exists. */
  readonly dataDir: string;
  /** Told of operations that failed through no fault of their caller. `detail` is for the log alone. */
  readonly onTrouble?: (operation: string, detail: string) => void;
  /** For tests: where to die, and how; also permits `attempt`. */
  readonly testHooks?: { readonly crash?: CrashPlan; readonly kill: () => void };
}

/** A running storage worker. */
export interface StorageHandle {
  /** A port for one worker, to be handed to it and used with `storageOver`; a gateway hears all nudges. */
  connect(hears?: Hears): MessagePort;
  /** Resolves when the worker dies by itself; nothing can be stored any more then. */
  readonly failed: Promise<AppError>;
  status(): Promise<StorageStatus>;
  /** The same with everything that metrics tell. */
  figures(): Promise<StorageFigures>;
  /** Resolves when these settings hold in place of the former ones. */
  configure(settings: StorageSettings): Promise<void>;
  /** For tests: tries something that the worker must not be able to do; "allowed", or the error's name. */
  attempt(what: Attempt): Promise<string>;
  /** Runs what has arrived, writes everything into the database file, closes it, ends the worker. */
  close(): Promise<void>;
  /** Ends the worker as it stands. What was answered is on disk. */
  terminate(): void;
}

type Kind = FromStorage["kind"];
type Of<K extends Kind> = Extract<FromStorage, { kind: K }>;

/** Waits for messages of the worker, and notices its end. */
class Line {
  readonly worker: Worker;
  readonly #expected = new Map<Kind, ((message: FromStorage) => void)[]>();
  readonly #options: StorageOptions;
  readonly failed: Promise<AppError>;
  #fail: (error: AppError) => void = () => undefined;

  constructor(options: StorageOptions) {
    this.#options = options;
    this.failed = new Promise((resolve) => this.#fail = resolve);
    const { dataDir } = options;
    this.worker = new Worker(new URL("../storage/worker.ts", import.meta.url), {
      type: "module",
      name: "storage",
      deno: {
        permissions: {
          read: [dataDir],
          write: [dataDir],
          net: false,
          env: false,
          run: false,
          ffi: false,
          sys: false,
          import: false,
        },
      },
    });
    this.worker.onmessage = (event: MessageEvent<FromStorage>) => this.#receive(event.data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new AppError("internal", { fault: "us", cause: new Error(event.message) }));
    };
  }

  #receive(message: FromStorage): void {
    switch (message.kind) {
      case "failed": {
        const { code, text } = message.failure;
        const cause = new Error(message.detail);
        return this.#fail(new AppError(code, { text, fault: "environment", cause }));
      }
      case "trouble":
        return this.#options.onTrouble?.(message.operation, message.detail);
      case "kill":
        return this.#options.testHooks?.kill();
      default:
        this.#expected.get(message.kind)?.shift()?.(message);
    }
  }

  send(message: ToStorage, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  /** The next message of this kind. Rejects when the worker fails first. */
  async next<K extends Kind>(kind: K): Promise<Of<K>> {
    const waiting = new Promise<FromStorage>((resolve) => {
      this.#expected.set(kind, [...this.#expected.get(kind) ?? [], resolve]);
    });
    const message = await Promise.race([waiting, this.failed]);
    if (message instanceof AppError) throw message;
    return message as Of<K>;
  }
}

/**
 * Starts the storage worker over `<dataDir>/sealpost.db`. Rejects with an `AppError` whose text is for the operator when
 * the database cannot be used; it is unchanged then.
 */
export async function startStorage(options: StorageOptions): Promise<StorageHandle> {
  const line = new Line(options);
  try {
    await line.next("listening");
    const started = line.next("started");
    line.send({
      kind: "start",
      path: `${options.dataDir}/${databaseName}`,
      files: `${options.dataDir}/${filesName}`,
      settings: settingsOf(options),
      testHooks: options.testHooks !== undefined,
      crash: options.testHooks?.crash,
    });
    await started;
    return handleOver(line);
  } catch (thrown) {
    line.worker.terminate();
    throw thrown;
  }
}

function settingsOf(options: StorageSettings): Settings {
  return {
    registration: options.registration ?? "open",
    consent: options.consent ?? "remote",
    registrationsPerHour: options.registrationsPerHour ??
      serverLimits.registrationsPerAddressPerHour,
    files: { ...defaultFileSettings, ...options.files },
    lobbyPeers: options.lobbyPeers ?? false,
  };
}

function handleOver(line: Line): StorageHandle {
  return {
    failed: line.failed,
    connect(hears = "all") {
      const { port1, port2 } = new MessageChannel();
      line.send({ kind: "connect", hears, port: port1 }, [port1]);
      return port2;
    },
    async status() {
      const answer = line.next("status");
      line.send({ kind: "status" });
      return (await answer).status;
    },
    async figures() {
      const answer = line.next("figures");
      line.send({ kind: "figures" });
      return (await answer).figures;
    },
    async configure(settings) {
      const answer = line.next("configured");
      line.send({ kind: "settings", settings: settingsOf(settings) });
      await answer;
    },
    async attempt(what) {
      const answer = line.next("tried");
      line.send({ kind: "try", what });
      return (await answer).outcome;
    },
    terminate: () => line.worker.terminate(),
    async close() {
      const closed = line.next("closed");
      line.send({ kind: "close" });
      try {
        await closed;
      } finally {
        line.worker.terminate();
      }
    },
  };
}

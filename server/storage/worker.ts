/**
 * The storage worker: the only thread that opens the database. It may read and write the data folder and do nothing
 * else; everything it is asked comes over ports.
 */
import { attempt } from "../../lib/base/attempts.ts";
import { armCrashPoint } from "../../lib/base/crashpoint.ts";
import { asAppError } from "../../lib/base/errors.ts";
import { metricsLimits } from "../../lib/base/limits.ts";
import { openSqliteBackend } from "../tables/sqlite/open.ts";
import type { Backend } from "../tables/tables.ts";
import { BatchRunner } from "./batch.ts";
import { folderDisk } from "./disk.ts";
import { serveFiles } from "./file_server.ts";
import { FileStore } from "./file_store.ts";
import type { FromStorage, StorageFigures, StorageStatus, ToStorage } from "./messages.ts";
import { CallQueue } from "./queue.ts";

/** How often old rows are looked for, in milliseconds. */
const retentionMs = 60 * 1000;

declare const self: DedicatedWorkerGlobalScope;

type Start = Extract<ToStorage, { kind: "start" }>;

interface Running {
  readonly path: string;
  readonly backend: Backend;
  readonly runner: BatchRunner;
  readonly queue: CallQueue;
  readonly files: FileStore;
  readonly retention: ReturnType<typeof setInterval>;
  readonly testHooks: boolean;
}

const tell = (message: FromStorage) => self.postMessage(message);

function detailOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause instanceof Error ? `${thrown}: ${cause.stack ?? cause}` : String(thrown);
}

function start(message: Start): Running {
  if (message.testHooks) armCrashPoint(message.crash, () => tell({ kind: "kill" }));
  const backend = openSqliteBackend(message.path);
  const runner = new BatchRunner(backend, {
    settings: message.settings,
    now: () => Date.now(),
    uptime: () => performance.now(),
  });
  const trouble = (operation: string, thrown: unknown) =>
    tell({ kind: "trouble", operation, detail: detailOf(thrown) });
  const files = new FileStore(folderDisk(message.files), {
    progress: (file, synced) => queue.enqueue({ name: "file.progress", input: { file, synced } }),
    abandoned: (file) => queue.enqueue({ name: "file.abandon", input: { file } }),
    trouble,
  });
  const queue = new CallQueue(runner, {
    onTrouble: trouble,
    files: {
      serve: (port) => serveFiles(port, { store: files, trouble }),
      discard: (file) => void files.discard(file),
    },
  });
  void files.sweep((file) => backend.tables.files.byId(file) !== undefined);
  const sweep = () => queue.enqueue({ name: "retention.run", input: {} });
  const { path, testHooks } = message;
  const retention = setInterval(sweep, retentionMs);
  return { path, backend, runner, queue, files, retention, testHooks };
}

/** Runs what has arrived, closes the files. */
async function stop(running: Running): Promise<void> {
  clearInterval(running.retention);
  await running.files.close();
  while (running.queue.runSome());
  running.queue.disconnect();
  running.backend.close();
}

function statusOf({ path, backend, queue }: Running): StorageStatus {
  const { sessions } = backend.tables;
  const online = [...sessions.online()];
  return {
    ...queue.counts,
    accountsOnline: online.length,
    sessionsOnline: online.reduce((sum, account) => sum + sessions.ofAccount(account).length, 0),
    databaseBytes: Deno.statSync(path).size,
  };
}

function figuresOf(state: Running): StorageFigures {
  const { backend, queue } = state;
  const { files } = backend.tables;
  return {
    ...statusOf(state),
    messagesAccepted: queue.messagesAccepted,
    waiting: queue.waiting,
    batchSeconds: queue.batchSeconds.figures(),
    batchOperations: queue.batchOperations.figures(),
    queuedBytes: queuedBytes(backend),
    files: files.count(),
    fileBytes: files.total(),
  };
}

let queued = { at: -Infinity, bytes: 0 };

/** Adding it up reads every member of every conversation, so that is done seldom. */
function queuedBytes({ tables }: Backend): number {
  const now = performance.now();
  if (now - queued.at >= metricsLimits.queuedMs) {
    queued = { at: now, bytes: tables.accounts.queuedInAll() };
  }
  return queued.bytes;
}

async function tellTried(what: Extract<ToStorage, { kind: "try" }>["what"]): Promise<void> {
  tell({ kind: "tried", what, outcome: await attempt(what) });
}

function handle(message: Exclude<ToStorage, Start>, state: Running): void {
  switch (message.kind) {
    case "connect":
      return state.queue.connect(message.port, message.hears);
    case "status":
      return tell({ kind: "status", status: statusOf(state) });
    case "figures":
      return tell({ kind: "figures", figures: figuresOf(state) });
    case "settings":
      state.runner.configure(message.settings);
      return tell({ kind: "configured" });
    case "try":
      if (state.testHooks) void tellTried(message.what);
      return;
    case "close":
      return void stop(state).then(() => tell({ kind: "closed" }), failed);
  }
}

let running: Running | undefined;

self.onmessage = (event: MessageEvent<ToStorage>) => {
  try {
    if (event.data.kind === "start") {
      running = start(event.data);
      tell({ kind: "started" });
    } else if (running !== undefined) {
      handle(event.data, running);
    }
  } catch (thrown) {
    failed(thrown);
  }
};

function failed(thrown: unknown): void {
  const { code, message: text } = asAppError(thrown);
  tell({ kind: "failed", failure: { code, text }, detail: detailOf(thrown) });
}

tell({ kind: "listening" });

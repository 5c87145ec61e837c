/** Which figures there are as metrics, and what they are called. No label says anything about a person. Pure. */
import type { LogLevel } from "../../lib/base/log.ts";
import { version } from "../../lib/base/version.ts";
import type { GatewayFigures } from "../gateway/figures.ts";
import type { Labels, Metric, Sample } from "../metrics/exposition.ts";
import type { StorageFigures } from "../storage/messages.ts";

/** What the process itself uses; undefined where this runtime does not say. */
export interface ProcessFigures {
  readonly cpuSeconds: number | undefined;
  readonly residentBytes: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
}

/** Everything at one moment. */
export interface Gathered {
  readonly process: ProcessFigures;
  readonly storage: StorageFigures;
  /** By the number of the worker. */
  readonly gateways: readonly GatewayFigures[];
  readonly peers: { readonly known: number; readonly linked: number; readonly queued: number };
  readonly logLines: Readonly<Record<LogLevel, number>>;
}

type Simple = readonly [name: string, help: string, value: number];

/** All metrics. */
export function metricsOf(gathered: Gathered): Metric[] {
  return [
    ...processMetrics(gathered.process),
    labelled("gauge", "sealpost_build_info", "The version that runs.", [[{ version }, 1]]),
    ...storageMetrics(gathered.storage),
    ...gatewayMetrics(gathered.gateways),
    ...peerMetrics(gathered),
    labelled(
      "counter",
      "sealpost_log_lines_total",
      "Lines that were logged, by level.",
      Object.entries(gathered.logLines).map(([level, count]) => [{ level }, count]),
    ),
  ];
}

function processMetrics({ cpuSeconds, residentBytes, startedAt }: ProcessFigures): Metric[] {
  return [
    ...cpuSeconds === undefined ? [] : [
      counter(["process_cpu_seconds_total", "User and system CPU time in seconds.", cpuSeconds]),
    ],
    gauge(["process_resident_memory_bytes", "Resident memory size in bytes.", residentBytes]),
    gauge(["process_start_time_seconds", "Start time in seconds since 1970.", startedAt]),
  ];
}

function storageMetrics(storage: StorageFigures): Metric[] {
  return [
    gauge(["sealpost_sessions", "Sessions that are logged in.", storage.sessionsOnline]),
    gauge(["sealpost_accounts_online", "Accounts with a session.", storage.accountsOnline]),
    counter(["sealpost_messages_accepted_total", "Messages on disk.", storage.messagesAccepted]),
    counter(["sealpost_operations_total", "Operations on the database.", storage.operations]),
    counter([
      "sealpost_operation_failures_total",
      "Operations that failed; refusals are none.",
      storage.failures,
    ]),
    gauge(["sealpost_operations_waiting", "Operations that wait for a write.", storage.waiting]),
    {
      type: "histogram",
      name: "sealpost_write_batch_seconds",
      help: "How long each transaction took, until it was on disk.",
      figures: storage.batchSeconds,
    },
    {
      type: "histogram",
      name: "sealpost_write_batch_operations",
      help: "Operations that shared a transaction.",
      figures: storage.batchOperations,
    },
    gauge(["sealpost_database_bytes", "Size of the database file.", storage.databaseBytes]),
    gauge([
      "sealpost_queued_bytes",
      "Bytes of messages that wait for their receivers, at most a minute old.",
      storage.queuedBytes,
    ]),
    gauge(["sealpost_files", "Files of users on the server, finished or not.", storage.files]),
    gauge(["sealpost_file_bytes", "Their bytes.", storage.fileBytes]),
  ];
}

/** Of each gateway: its counters. */
const ofGateways: readonly (readonly [
  type: "counter" | "gauge",
  name: string,
  help: string,
  key: keyof GatewayFigures,
])[] = [
  ["gauge", "connections", "Connections, greetings included.", "connections"],
  ["gauge", "sessions", "Sessions, logged in or not.", "sessions"],
  ["gauge", "requests_waiting", "Requests that are not answered yet.", "inFlight"],
  ["counter", "connections_total", "Connections that were taken.", "accepted"],
  ["counter", "connections_refused_total", "Connections that were too many.", "refused"],
  ["counter", "connections_hostile_total", "Connections ended for what came over them.", "hostile"],
  ["counter", "requests_total", "Requests and notices of clients.", "messages"],
  ["counter", "request_failures_total", "Requests that failed here.", "failures"],
  ["counter", "rows_sent_total", "Messages and changes of groups sent to devices.", "delivered"],
  ["counter", "received_bytes_total", "Bytes from clients, inside TLS.", "bytesIn"],
  ["counter", "sent_bytes_total", "Bytes to clients, inside TLS.", "bytesOut"],
];

function gatewayMetrics(gateways: readonly GatewayFigures[]): Metric[] {
  return ofGateways.map(([type, name, help, key]) =>
    labelled(
      type,
      `sealpost_gateway_${name}`,
      help,
      gateways.map((figures, index) => [{ worker: String(index) }, figures[key]]),
    )
  );
}

function peerMetrics({ peers: { known, linked, queued } }: Gathered): Metric[] {
  return [
    gauge(["sealpost_peers", "Linked servers that are known.", known]),
    gauge(["sealpost_peers_linked", "Those with a link that stands.", linked]),
    gauge(["sealpost_peer_queued_items", "What waits for all of them.", queued]),
  ];
}

function counter([name, help, value]: Simple): Metric {
  return { type: "counter", name, help, samples: [{ value }] };
}

function gauge([name, help, value]: Simple): Metric {
  return { type: "gauge", name, help, samples: [{ value }] };
}

function labelled(
  type: "counter" | "gauge",
  ...[name, help, values]: readonly [string, string, readonly (readonly [Labels, number])[]]
): Metric {
  const samples = values.map(([labels, value]): Sample => ({ labels, value }));
  return { type, name, help, samples };
}

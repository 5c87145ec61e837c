/** What one gateway counts, for metrics. Numbers alone: nothing of whom they are about. */
import type { Transport } from "../../lib/wire/transport.ts";

/** Figures of a gateway since its start, and as they stand. Bytes without those of TLS. */
export interface GatewayFigures {
  /** Connections that are there, greetings included. */
  readonly connections: number;
  /** Sessions, logged in or not. */
  readonly sessions: number;
  /** Requests that are not answered yet. */
  readonly inFlight: number;
  readonly accepted: number;
  readonly refused: number;
  readonly hostile: number;
  readonly messages: number;
  readonly delivered: number;
  readonly failures: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** `transport`, whose bytes are counted. */
export function counted(transport: Transport, counters: GatewayCounters): Transport {
  return {
    async read(into) {
      const count = await transport.read(into);
      counters.bytesIn += count ?? 0;
      return count;
    },
    write(bytes) {
      counters.bytesOut += bytes.length;
      return transport.write(bytes);
    },
    ...(transport.letsGo === undefined ? {} : { letsGo: transport.letsGo }),
    close: () => transport.close(),
  };
}

/** Counters that parts of a gateway add to. */
export class GatewayCounters {
  /** Connections that were taken, and those that were too many. */
  accepted = 0;
  refused = 0;
  /** Connections that ended because of what came over them. */
  hostile = 0;
  /** Messages of clients. */
  messages = 0;
  /** Rows of logs that were sent to devices. */
  delivered = 0;
  /** Requests that failed through no fault of their client. */
  failures = 0;
  bytesIn = 0;
  bytesOut = 0;
}

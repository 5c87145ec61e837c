/** The metrics of a running server: gathered from every worker when somebody asks, served by a worker of their own. */
import type { Attempt } from "../../lib/base/attempts.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Logger } from "../../lib/base/log.ts";
import { expositionText } from "../metrics/exposition.ts";
import type { FromMetrics, ToMetrics } from "../metrics/control.ts";
import { hostAndPort } from "./addresses.ts";
import { type Gathered, metricsOf } from "./figures.ts";

/** Where to listen. */
export interface MetricsAddress {
  readonly hostname: string;
  readonly port: number;
}

/** What a metrics server is made of. */
export interface MetricsParts {
  readonly gather: () => Promise<Gathered>;
  readonly logger: Logger;
  readonly testHooks: boolean;
}

/** The worker that answers `GET /metrics`. */
export class MetricsServer {
  readonly #worker: Worker;
  readonly #parts: MetricsParts;
  readonly #tried = new Map<Attempt, (result: string) => void>();
  /** `host:port` under which it is reached. */
  readonly address: string;

  private constructor(worker: Worker, address: string, parts: MetricsParts) {
    this.#worker = worker;
    this.address = address;
    this.#parts = parts;
    worker.onmessage = ({ data }: MessageEvent<FromMetrics>) => {
      if (data.kind === "scrape") void this.#answer(data.id);
      else if (data.kind === "tried") this.#tried.get(data.what)?.(data.result);
    };
    // Metrics are not worth stopping a server for.
    worker.onerror = (event) => {
      event.preventDefault();
      parts.logger.log("error", "metrics_failed", { cause: event.message });
    };
  }

  /** Listens. Throws `ExitError` (network) when that is not possible. */
  static async start(
    { hostname, port }: MetricsAddress,
    parts: MetricsParts,
  ): Promise<MetricsServer> {
    const worker = new Worker(new URL("../metrics/worker.ts", import.meta.url), {
      type: "module",
      name: "metrics",
      deno: {
        permissions: {
          net: [hostAndPort(hostname, port)],
          read: false,
          write: false,
          env: false,
          run: false,
          ffi: false,
          sys: false,
          import: false,
        },
      },
    });
    try {
      const listening = await listen(worker, { hostname, port, testHooks: parts.testHooks });
      const address = hostAndPort(hostname, listening);
      parts.logger.log("info", "metrics", { address });
      return new MetricsServer(worker, address, parts);
    } catch (thrown) {
      worker.terminate();
      throw thrown;
    }
  }

  /** For tests: what happens when the worker tries `what`. */
  try(what: Attempt): Promise<string> {
    const ask: ToMetrics = { kind: "try", what };
    return new Promise((resolve) => {
      this.#tried.set(what, resolve);
      this.#worker.postMessage(ask);
    });
  }

  /** Ends it at once. */
  terminate(): void {
    this.#worker.terminate();
  }

  async #answer(id: number): Promise<void> {
    const { gather, logger } = this.#parts;
    let text: string | undefined;
    try {
      text = expositionText(metricsOf(await gather()));
    } catch (thrown) {
      logger.log("error", "metrics_not_gathered", { cause: String(thrown) });
    }
    const answer: ToMetrics = { kind: "text", id, text };
    this.#worker.postMessage(answer);
  }
}

function listen(
  worker: Worker,
  { hostname, port, testHooks }: MetricsAddress & { readonly testHooks: boolean },
): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => {
      event.preventDefault();
      reject(complaint(port, event.message));
    };
    worker.onmessage = ({ data }: MessageEvent<FromMetrics>) => {
      const start: ToMetrics = { kind: "start", hostname, port, testHooks };
      if (data.kind === "up") worker.postMessage(start);
      else if (data.kind === "listening") resolve(data.port);
      else if (data.kind === "failed") reject(complaint(port, reasons[data.problem] ?? data.text));
    };
  });
}

const reasons: Readonly<Record<string, string | undefined>> = {
  in_use: "the port is in use",
  denied: "this user may not use the port",
};

function complaint(port: number, why: string): ExitError {
  return new ExitError(
    "network",
    `the metrics cannot be served on port ${port}: ${why}; choose another with --metrics`,
  );
}

/** Starts gateway workers, hears what they say, and stops them. */
import type { Attempt } from "../../lib/base/attempts.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { CertificatePair } from "../../lib/crypto/x509.ts";
import type { Logger } from "../../lib/base/log.ts";
import type {
  FromGateway,
  GatewaySettings,
  GatewayStart,
  ListenAddress,
  ToGateway,
} from "../gateway/control.ts";
import type { GatewayFigures } from "../gateway/figures.ts";
import { hostAndPort, privileged, taken } from "./addresses.ts";
import { LogValve } from "./log_valve.ts";

/** What a gateway is given, beside what the worker's class fills in. */
export type GatewayInput = Omit<GatewayStart, "kind">;

/** What happens around a gateway. */
export interface GatewayEvents {
  readonly logger: Logger;
  /** The worker died. */
  readonly failed: (cause: string) => void;
  /** A test wants this process to end at once. */
  readonly crash: () => void;
}

/** How long a worker may take to load, in milliseconds. */
const startMs = 20_000;

/** A gateway worker. It begins to load its code at once and listens when started. */
export class GatewayWorker {
  readonly #worker: Worker;
  readonly #events: GatewayEvents;
  readonly #valve: LogValve;
  readonly #hearing = new Set<(message: FromGateway) => void>();
  readonly #up: Promise<void>;

  /** `listen`: all that the worker's network permission covers. */
  constructor(listen: readonly ListenAddress[], events: GatewayEvents) {
    this.#events = events;
    this.#valve = new LogValve(events.logger);
    this.#worker = new Worker(new URL("../gateway/worker.ts", import.meta.url), {
      type: "module",
      name: "gateway",
      deno: {
        permissions: {
          net: listen.map(({ hostname, port }) => hostAndPort(hostname, port)),
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
    this.#worker.onmessage = ({ data }: MessageEvent<FromGateway>) => this.#heard(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      events.failed(event.message);
    };
    this.#up = this.#next((message) => message.kind === "up" ? true : undefined).then(() => {});
    // Where the server is refused before it listens, nobody waits for this.
    this.#up.catch(() => undefined);
  }

  /** Listens. Throws `ExitError` (network, localData) when that is not possible. */
  async start(input: GatewayInput): Promise<readonly ListenAddress[]> {
    await this.#up;
    const answer = this.#next((message) =>
      message.kind === "listening" || message.kind === "failed" ? message : undefined
    );
    const start: ToGateway = { kind: "start", ...input };
    const ports = input.peers === undefined ? [input.storage] : [input.storage, input.peers];
    this.#worker.postMessage(start, ports);
    const said = await answer;
    if (said.kind === "failed") throw complaint(said, input.listen[0]?.port ?? 0);
    return said.addresses;
  }

  /** Resolves when these settings hold in place of the former ones. */
  async configure(settings: GatewaySettings): Promise<void> {
    const done = this.#next((message) => message.kind === "configured" ? true : undefined);
    this.#tell({ kind: "settings", settings });
    await done;
  }

  /** New connections get another certificate. Throws `ExitError` (localData) when it cannot be used; then nothing changed. */
  async certify({ certificate, privateKey }: CertificatePair): Promise<void> {
    const done = this.#next((message) => message.kind === "certified" ? message : undefined);
    this.#tell({ kind: "certificate", cert: certificate, key: privateKey });
    const { problem } = await done;
    if (problem === undefined) return;
    throw new ExitError("localData", `the TLS certificate or its key cannot be used: ${problem}`);
  }

  /** What it has counted. */
  async figures(): Promise<GatewayFigures> {
    const told = this.#next((message) => message.kind === "figures" ? message.figures : undefined);
    this.#tell({ kind: "figures" });
    return await told;
  }

  /** Gives it the way to the federation worker. */
  linkPeers(port: MessagePort): void {
    this.#worker.postMessage({ kind: "peers", port }, [port]);
  }

  /** Ends its sessions in order, then the worker itself. */
  async close(): Promise<void> {
    const closed = this.#next((message) => message.kind === "closed" ? true : undefined);
    this.#tell({ kind: "close" });
    await closed;
    this.#worker.terminate();
  }

  /** Ends the worker at once. */
  terminate(): void {
    this.#worker.terminate();
  }

  /** For tests: what happens when the worker tries `what`. */
  async try(what: Attempt): Promise<string> {
    const tried = this.#next((message) =>
      message.kind === "tried" && message.what === what ? message.result : undefined
    );
    this.#tell({ kind: "try", what });
    return await tried;
  }

  #tell(message: ToGateway): void {
    this.#worker.postMessage(message);
  }

  #heard(message: FromGateway): void {
    if (message.kind === "log") this.#valve.log(message.level, message.event, message.fields);
    else if (message.kind === "crash") this.#events.crash();
    else for (const hear of [...this.#hearing]) hear(message);
  }

  /** The first answer that `pick` gives to a message. */
  #next<T>(pick: (message: FromGateway) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (run: () => void) => {
        clearTimeout(timer);
        this.#hearing.delete(hear);
        run();
      };
      const hear = (message: FromGateway) => {
        const picked = pick(message);
        if (picked !== undefined) settle(() => resolve(picked));
      };
      const late = new ExitError("failed", "a network worker does not answer");
      const timer = setTimeout(() => settle(() => reject(late)), startMs);
      this.#hearing.add(hear);
    });
  }
}

function complaint(said: FromGateway & { kind: "failed" }, port: number): Error {
  switch (said.problem) {
    case "in_use":
      return taken(port);
    case "denied":
      return privileged(port, said.text);
    case "certificate":
      return new ExitError(
        "localData",
        `the TLS certificate or its key cannot be used: ${said.text}`,
      );
    case "other":
      return new ExitError("network", `cannot listen on ${said.text}`);
  }
}

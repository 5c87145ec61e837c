/** The federation worker as the supervisor sees it: started when there is somebody to link with, asked, stopped. */
import type { Attempt } from "../../lib/base/attempts.ts";
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Logger } from "../../lib/base/log.ts";
import type {
  FederationAnswer,
  FederationStart,
  FromFederation,
  LinkStatus,
  Met,
  ToFederation,
} from "../federation/control.ts";
import { LogValve } from "./log_valve.ts";

/** What the worker is given when it starts. */
export type FederationInput = Omit<FederationStart, "kind">;

/** What happens around it. */
export interface FederationEvents {
  readonly logger: Logger;
  /** The worker died. */
  readonly failed: (cause: string) => void;
}

/** How long the worker may take to load or to answer, in milliseconds: a first contact tries for 8 seconds. */
const answerMs = 20_000;

type Question = { readonly [K in ToFederation["kind"]]: Omit<ToFederation & { kind: K }, "id"> }[
  Exclude<ToFederation["kind"], "start">
];

/** A running worker. */
class FederationWorker {
  readonly #worker: Worker;
  readonly #up = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, (answer: FederationAnswer) => void>();
  #nextId = 1;

  constructor(events: FederationEvents) {
    const valve = new LogValve(events.logger);
    this.#worker = new Worker(new URL("../federation/worker.ts", import.meta.url), {
      type: "module",
      name: "federation",
      deno: {
        permissions: {
          // Whom to dial the operator says while it runs.
          net: true,
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
    this.#worker.onmessage = ({ data }: MessageEvent<FromFederation>) => {
      if (data.kind === "up") this.#up.resolve();
      else if (data.kind === "log") valve.log(data.level, data.event, data.fields);
      else this.#answered(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#up.reject(new AppError("internal", { fault: "us", cause: event.message }));
      events.failed(event.message);
    };
  }

  async start(input: FederationInput): Promise<void> {
    await this.#up.promise;
    const start: ToFederation = { kind: "start", ...input };
    this.#worker.postMessage(start, [input.storage, ...input.gateways]);
  }

  /** Asks and waits for the answer. Throws `ExitError` (failed) when none comes. */
  ask(question: Question): Promise<FederationAnswer> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new ExitError("failed", "the federation worker does not answer"));
      }, answerMs);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#worker.postMessage({ ...question, id });
    });
  }

  terminate(): void {
    this.#worker.terminate();
  }

  #answered(answer: FederationAnswer): void {
    const settle = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    settle?.(answer);
  }
}

/** The links of a server. The worker is started at the first need: most servers stand alone. */
export class Links {
  readonly #events: FederationEvents;
  readonly #input: () => FederationInput;
  #worker: Promise<FederationWorker> | undefined;
  #started: FederationWorker | undefined;

  /** `input` is called when the worker starts: it makes the ways to the other workers. */
  constructor(input: () => FederationInput, events: FederationEvents) {
    this.#input = input;
    this.#events = events;
  }

  /** Starts the worker, once. */
  async start(): Promise<void> {
    await this.#get();
  }

  /** Whether servers that nobody has added may link by themselves, from now on; that needs a worker. */
  async admitAll(open: boolean): Promise<void> {
    if (open) await this.#get();
    await (await this.#worker)?.ask({ kind: "open", open });
  }

  /** How all links stand; nothing where no worker runs. */
  async status(): Promise<readonly LinkStatus[]> {
    const answer = await (await this.#worker)?.ask({ kind: "links" });
    return answer?.kind === "links" ? answer.links : [];
  }

  /** Asks who answers at `HOST:PORT`. Throws `ExitError` (network). */
  async meet(address: string): Promise<Met> {
    const answer = await (await this.#get()).ask({ kind: "meet", address });
    if (answer.kind === "met") return answer.met;
    const text = answer.kind === "not_met" ? answer.text : "the other server does not answer";
    throw new ExitError("network", text);
  }

  /** For tests: what happens when the worker tries `what`. */
  async try(what: Attempt): Promise<string> {
    const answer = await (await this.#get()).ask({ kind: "try", what });
    return answer.kind === "tried" ? answer.result : "no answer";
  }

  /** Ends all links in order. */
  async close(): Promise<void> {
    await (await this.#worker)?.ask({ kind: "close" });
    this.terminate();
  }

  /** Ends the worker at once. */
  terminate(): void {
    this.#started?.terminate();
  }

  #get(): Promise<FederationWorker> {
    this.#worker ??= this.#begin();
    return this.#worker;
  }

  async #begin(): Promise<FederationWorker> {
    const worker = new FederationWorker(this.#events);
    this.#started = worker;
    await worker.start(this.#input());
    return worker;
  }
}

/** `sealpost client rpc`: requests on standard input, answers and events on standard output, one JSON object per line. */
import { Compile, type Validator } from "typebox/compile";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { rpcLimits } from "../../../lib/base/limits.ts";
import { KeyedMutex } from "../../../lib/base/mutex.ts";
import type { Engine, EngineEvent } from "../../engine/api.ts";
import type { FileProgress } from "../../engine/api_files.ts";
import type { GroupInfo } from "../../engine/api_groups.ts";
import { errorText } from "../../ui/format.ts";
import { failureOf } from "../failure.ts";
import { groupJson, jsonLine } from "../json.ts";
import { aborted, stoppedForGood } from "../messages.ts";
import { type Run, withEngine } from "../session.ts";
import type { Context, Method } from "./define.ts";
import { rpcDocument } from "./document.ts";
import {
  eventJson,
  type EventKind,
  eventKinds,
  groupEvent,
  progressJson,
  type RequestId,
  type RpcEvent,
} from "./events.ts";
import { isMethod, methods } from "./methods.ts";
import {
  errorAnswer,
  eventNotification,
  failureError,
  readLine,
  resultAnswer,
  rpcCodes,
  type RpcError,
  type RpcRequest,
  tooLong,
} from "./protocol.ts";

/** Serves requests until the end of input, then answers what is under way and sends what is queued. */
export async function rpc(run: Run): Promise<void> {
  await withEngine(run, async (engine) => await new RpcSession(run, engine).serve(), {
    drainMs: rpcLimits.drainMs,
  });
}

/** A request that is being answered. */
interface Working {
  readonly id: RequestId | undefined;
  readonly cancel: AbortController;
  readonly done: Promise<void>;
}

class RpcSession {
  readonly #run: Run;
  readonly #engine: Engine;
  readonly #order = new KeyedMutex();
  readonly #working = new Set<Working>();
  /** Room for another request; see `rpcLimits.inFlight`. */
  #room = () => {};
  #kinds = new Set<EventKind>(eventKinds);
  /** Groups as they were told last, by id. */
  #groups = new Map<string, string>();
  #lookingAtGroups: Promise<void> | undefined;
  #lookAgain = false;

  constructor(run: Run, engine: Engine) {
    this.#run = run;
    this.#engine = engine;
  }

  async serve(): Promise<void> {
    const { signal } = this.#run;
    await this.#lookAtGroups();
    const unsubscribe = this.#engine.subscribe((event) => this.#event(event));
    const stopped = stoppedForGood(this.#engine);
    const end = Promise.race([aborted(signal), stopped.rejection]);
    // Whoever waits for it below hears of it; nobody else has to.
    end.catch(() => undefined);
    try {
      await this.#engine.start({ receive: true, keepTrying: true, signal });
      await Promise.race([this.#read(), end]);
      await Promise.race([this.#answered(), end]);
    } finally {
      unsubscribe();
      stopped.forget();
      for (const { cancel } of this.#working) cancel.abort(new Cancelled("the program ends"));
    }
  }

  async #read(): Promise<void> {
    for (;;) {
      const line = await this.#run.world.nextInputBytes(rpcLimits.lineBytes);
      if (line === undefined) return;
      if (line.kind === "too_long") this.#out(tooLong(rpcLimits.lineBytes));
      else if (line.bytes.length > 0) await this.#take(line.bytes);
    }
  }

  async #take(bytes: Uint8Array): Promise<void> {
    const read = readLine(bytes);
    if (read.kind === "refused") return this.#out(read.answer);
    const { request } = read;
    const cancel = new AbortController();
    const working: Working = { id: request.id, cancel, done: this.#answer(request, cancel) };
    this.#working.add(working);
    void working.done.finally(() => {
      this.#working.delete(working);
      this.#room();
    });
    while (this.#working.size >= rpcLimits.inFlight) {
      await new Promise<void>((resolve) => this.#room = resolve);
    }
  }

  /** All that is under way, and what came of it meanwhile. */
  async #answered(): Promise<void> {
    while (this.#working.size > 0) {
      await Promise.all([...this.#working].map(({ done }) => done));
    }
    await this.#lookingAtGroups;
  }

  /** Answers one request; without an id nobody is told. Never rejects, except when nobody can be told any more. */
  async #answer(request: RpcRequest, cancel: AbortController): Promise<void> {
    const { id } = request;
    const outcome = await this.#outcome(request, cancel).catch((error: unknown) => ({
      error: errorOf(error),
    }));
    if (this.#run.signal.aborted) return;
    if (request.method.startsWith("group.")) this.#groupsChanged();
    if (id === undefined) return;
    this.#out(
      "error" in outcome ? errorAnswer(id, outcome.error) : resultAnswer(id, outcome.result),
    );
  }

  async #outcome(
    request: RpcRequest,
    cancel: AbortController,
  ): Promise<{ readonly result: unknown } | { readonly error: RpcError }> {
    const { method: name, params } = request;
    if (!isMethod(name)) {
      return misuse(rpcCodes.methodNotFound, `there is no method ${JSON.stringify(name)}`);
    }
    const wrong = problemOf(name, params);
    if (wrong !== undefined) return misuse(rpcCodes.invalidParams, wrong);
    // The one place where parameters get their type: their schema held.
    const entry = methods[name] as unknown as Method;
    const given = params as { readonly timeoutMs?: number };
    const ms = given.timeoutMs ?? entry.limitMs;
    const stop = ms === 0
      ? () => {}
      : this.#run.world.clock.after(ms, () =>
        cancel.abort(new ExitError("network", `No answer within ${ms / 1000} s.`)));
    try {
      const signal = AbortSignal.any([cancel.signal, this.#run.signal]);
      const working = entry.run(this.#context(request.id, signal), given);
      return { result: await Promise.race([working, this.#brokenOff(signal)]) };
    } finally {
      stop();
    }
  }

  /** Some work cannot be broken off: it is left to itself, once what can be has had its turn to say why it ends. */
  #brokenOff(signal: AbortSignal): Promise<never> {
    const { clock } = this.#run.world;
    return aborted(signal).catch((reason) =>
      new Promise<never>((_, reject) => clock.after(0, () => reject(reason)))
    );
  }

  #context(id: RequestId | undefined, signal: AbortSignal): Context {
    const engine = this.#engine;
    return {
      engine,
      signal,
      inOrder: (conversation, work) => this.#order.run(conversation.toLowerCase(), work),
      caughtUp: () => this.#caughtUp(signal),
      progress: this.#progress(id),
      fileChoices: () => this.#run.world.fileChoices(this.#run.flags.home),
      session: {
        cancel: (wanted) => this.#cancel(wanted),
        select: (kinds) => this.#kinds = new Set(kinds),
        replay: (after) => this.#replay(after),
        document: rpcDocument,
      },
    };
  }

  /** What waits at the server is here when this resolves; whoever cannot reach it hears why. */
  async #caughtUp(signal: AbortSignal): Promise<void> {
    const offline = untilOffline(this.#engine);
    try {
      await Promise.race([this.#engine.caughtUp(signal), offline.rejection]);
    } finally {
      offline.forget();
    }
  }

  #cancel(id: RequestId): number {
    const those = [...this.#working].filter((working) => working.id === id);
    for (const { cancel } of those) cancel.abort(new Cancelled("cancelled"));
    return those.length;
  }

  // deno-lint-ignore require-await -- refusals reject
  async #replay(after: number): Promise<number> {
    let told = 0;
    const stop = this.#engine.subscribe((event) => {
      if (event.kind !== "message") return;
      this.#push(eventJson({ ...event, live: false }, this.#engine.self.name));
      told += 1;
    }, { after });
    stop();
    return told;
  }

  // --- events

  #event(event: EngineEvent): void {
    this.#push(eventJson(event, this.#engine.self.name));
    const concerned = event.kind === "caught_up" ||
      ("message" in event && event.message.kind === "notice") ||
      (event.kind === "notification" && event.notification.kind.startsWith("group_"));
    if (concerned) this.#groupsChanged();
  }

  #push(event: RpcEvent): void {
    if (this.#kinds.has(event.event)) this.#out(eventNotification(event));
  }

  /** A throttled teller of how far a transfer is. */
  #progress(id: RequestId | undefined): (progress: FileProgress) => void {
    let toldAt = -Infinity;
    return (progress) => {
      const now = this.#run.world.clock.monotonic();
      const due = now - toldAt >= rpcLimits.progressMs || progress.done === progress.total;
      if (id === undefined || !due) return;
      toldAt = now;
      this.#push(progressJson(id, progress));
    };
  }

  /** Something has happened to some group: tells which ones are not what they were. */
  #groupsChanged(): void {
    this.#lookAgain = true;
    this.#lookingAtGroups ??= this.#lookUntilSame().finally(() =>
      this.#lookingAtGroups = undefined
    );
  }

  async #lookUntilSame(): Promise<void> {
    while (this.#lookAgain) {
      this.#lookAgain = false;
      for (const group of await this.#lookAtGroups()) this.#push(groupEvent(groupJson(group)));
    }
  }

  /** The groups that are not as they were told last; how many messages wait there does not count. */
  async #lookAtGroups(): Promise<readonly GroupInfo[]> {
    const changed: GroupInfo[] = [];
    for (const group of await this.#engine.groups.list()) {
      const now = JSON.stringify({ ...groupJson(group), unread: 0 });
      if (this.#groups.get(group.id) === now) continue;
      this.#groups.set(group.id, now);
      changed.push(group);
    }
    return changed;
  }

  #out(value: object): void {
    this.#run.world.out(jsonLine(value));
  }
}

/** A request that ended because somebody wanted it to. */
class Cancelled extends Error {}

function errorOf(error: unknown): RpcError {
  if (error instanceof Cancelled) {
    return failureError({ exit: 1, code: "cancelled", message: error.message });
  }
  return failureError(failureOf(error));
}

function misuse(code: number, message: string): { readonly error: RpcError } {
  return { error: { code, message, data: { exit: 2, code: "usage" } } };
}

const validators = new Map<string, Validator>();

/** What is wrong with the parameters, for people; undefined when nothing is. */
function problemOf(name: keyof typeof methods, params: unknown): string | undefined {
  const known = validators.get(name) ?? Compile(methods[name].params);
  validators.set(name, known);
  if (known.Check(params)) return undefined;
  const problems = known.Errors(params)
    .filter(({ keyword }) => keyword !== "boolean" && keyword !== "additionalProperties")
    .map(({ instancePath, message }) =>
      `${instancePath === "" ? "params" : instancePath.slice(1).replaceAll("/", ".")} ${message}`
    );
  const unknown = unknownFields(methods[name].params, params);
  const said = [...unknown.map((field) => `there is no parameter ${field}`), ...problems];
  return errorText(said.slice(0, 3).join("; ") || "params do not fit");
}

function unknownFields(schema: { readonly properties: object }, params: unknown): string[] {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return [];
  return Object.keys(params).filter((field) => !Object.hasOwn(schema.properties, field));
}

/** Rejects when there is no connection and none is being made. */
function untilOffline(engine: Engine): { rejection: Promise<never>; forget: () => void } {
  let forget = () => {};
  const rejection = new Promise<never>((_, reject) => {
    const check = () => {
      const state = engine.connection();
      if (state.kind !== "offline") return;
      reject(new ExitError("network", `Not connected: ${state.reason}`));
    };
    forget = engine.subscribe((event) => {
      if (event.kind === "connection") check();
    });
    check();
  });
  rejection.catch(() => undefined);
  return { rejection, forget };
}

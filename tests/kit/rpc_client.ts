/** A program at the other end of `client rpc`; every answer and every event is held against its schema. */
import assert from "node:assert/strict";
import { Compile, type Validator } from "typebox/compile";
import type Type from "typebox";
import { type EventKind, eventSchemas } from "../../client/commands/rpc/events.ts";
import { type MethodName, methods } from "../../client/commands/rpc/methods.ts";
import { rpcErrorSchema } from "../../client/commands/rpc/document.ts";
import { command, type CommandOptions } from "./commands.ts";
import type { Ended } from "./program.ts";

type Json = Record<string, unknown>;

/** Longer than anything takes on a busy machine; only a failure waits for it. In ms. */
const patienceMs = 60_000;

/** What a request was answered. */
export interface Answer {
  readonly id: unknown;
  readonly result?: Json;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data: { readonly exit: number; readonly code: string };
  };
}

/** A running `client rpc`. */
export class RpcClient implements AsyncDisposable {
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<unknown, (answer: Answer) => void>();
  readonly #watchers = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #checks = new Map<string, Validator>();
  /** Methods that were answered with a result. */
  readonly answered = new Set<string>();
  /** Everything that was pushed. */
  readonly events: Json[] = [];
  /** Answers to nobody: without an id. */
  readonly strays: Answer[] = [];
  readonly ended: Promise<Ended>;
  #wrong: unknown;
  #next = 1;

  constructor(options: Omit<CommandOptions, "input"> & { readonly args?: string[] }) {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.#input = writable.getWriter();
    this.ended = command(["rpc", ...options.args ?? []], {
      onLine: (line) => this.#line(line),
      ...options,
      input: readable,
      signal: this.#stop.signal,
    });
    this.ended.finally(() => this.#wake());
  }

  /** Writes a line as it is. */
  async write(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Asks, and waits for the answer. */
  async ask(
    method: string,
    params: object = {},
    id: string | number = this.#next++,
  ): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    await this.write(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    const got = await Promise.race([answer, this.#end(method)]);
    if (got.result !== undefined) {
      this.#check(method, methods[method as MethodName].result, got.result);
      this.answered.add(method);
    } else this.#check("error", rpcErrorSchema, got.error);
    return got;
  }

  /** As `ask`; throws when the answer is an error. */
  async call(method: MethodName, params: object = {}): Promise<Json> {
    const { result, error } = await this.ask(method, params);
    if (result === undefined) throw new Error(`${method}: ${error?.message}`);
    return result;
  }

  /** The first event of that kind that fits, from now or before. */
  async event(kind: EventKind, fits: (event: Json) => boolean = () => true): Promise<Json> {
    for (;;) {
      const found = this.events.find((event) => event["event"] === kind && fits(event));
      if (found !== undefined) return found;
      const more = new Promise<void>((resolve) => this.#watchers.add(resolve));
      await Promise.race([more, this.#end(`event ${kind}`)]);
    }
  }

  /** Waits until an answer without an id has come. */
  async stray(): Promise<Answer> {
    for (;;) {
      const answer = this.strays.shift();
      if (answer !== undefined) return answer;
      const more = new Promise<void>((resolve) => this.#watchers.add(resolve));
      await Promise.race([more, this.#end("an answer without an id")]);
    }
  }

  /** Ends its input and waits for its end. */
  async finish(): Promise<Ended> {
    await this.#input.close();
    const ended = await this.ended;
    if (this.#wrong !== undefined) throw this.#wrong;
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the test is over"));
    await this.#input.close().catch(() => undefined);
    await this.ended;
  }

  async #end(what: string): Promise<never> {
    const patience = AbortSignal.timeout(patienceMs);
    const late = new Promise<undefined>((resolve) =>
      patience.addEventListener("abort", () => resolve(undefined), { once: true })
    );
    const ended = await Promise.race([this.ended, late]);
    if (this.#wrong !== undefined) throw this.#wrong;
    const why = ended === undefined ? "is silent" : `ended with ${ended.code}: ${ended.err}`;
    const told = this.events.slice(-20).map((event) => `\n  ${JSON.stringify(event)}`).join("");
    throw new Error(`client rpc ${why}, while waiting for ${what}; events:${told}`);
  }

  #line(line: string): void {
    try {
      this.#take(JSON.parse(line));
    } catch (error) {
      // Told when somebody waits: thrown here it would only end up in an answer.
      this.#wrong ??= error;
      this.#stop.abort(error);
    }
    this.#wake();
  }

  #take(value: Json): void {
    assert.equal(value["jsonrpc"], "2.0");
    if (value["method"] === "event") {
      const event = value["params"] as Json;
      this.#check("event", eventSchemas[event["event"] as EventKind], event);
      this.events.push(event);
      return;
    }
    const answer = value as unknown as Answer;
    const resolve = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (resolve === undefined) this.strays.push(answer);
    else resolve(answer);
  }

  #check(what: string, schema: Type.TSchema | undefined, value: unknown): void {
    assert.ok(schema !== undefined, `no schema for ${what} ${JSON.stringify(value)}`);
    const key = `${what}/${(value as Json | undefined)?.["event"] ?? ""}`;
    const check = this.#checks.get(key) ?? Compile(schema);
    this.#checks.set(key, check);
    assert.deepEqual(check.Errors(value), [], `${what}: ${JSON.stringify(value)}`);
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      watcher();
    }
  }
}

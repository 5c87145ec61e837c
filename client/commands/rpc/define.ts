/** How a method of `client rpc` is written down: one entry says what it takes, what it answers and what it does. */
import Type from "typebox";
import type { Engine } from "../../engine/api.ts";
import type { FileProgress } from "../../engine/api_files.ts";
import type { FileChoices } from "../world.ts";
import type { Value } from "../../../lib/base/json_schema.ts";
import type { EventKind } from "./events.ts";

/** Everything a method may use. */
export interface Context {
  readonly engine: Engine;
  /** Ends with the request: at its time limit, when it is cancelled, or when the process has to end. */
  readonly signal: AbortSignal;
  /** Runs what changes a conversation after everything asked for it before, in the order of the lines. */
  inOrder<T>(conversation: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when what waited at the server is here; rejects when it cannot be reached. */
  caughtUp(): Promise<void>;
  /** Tells how far a transfer is, as an event that names the request. */
  progress(progress: FileProgress): void;
  readonly session: SessionControl;
  fileChoices(): FileChoices;
}

/** What a client can change about its own session. */
export interface SessionControl {
  /** Ends the requests of that id; how many there were. */
  cancel(id: string | number): number;
  /** From now on only these events are pushed. */
  select(kinds: readonly EventKind[]): void;
  /** Pushes stored messages with a greater `local` again. */
  replay(after: number): Promise<number>;
  /** The document of `sealpost schema rpc`. */
  document(): Record<string, unknown>;
}

/** One method. */
export interface Method<
  P extends Type.TSchema = Type.TSchema,
  R extends Type.TSchema = Type.TSchema,
> {
  readonly about: string;
  readonly params: P;
  readonly result: R;
  /** Parameters that fit, for the documentation. */
  readonly example: object;
  /** Time limit without `timeoutMs`, in ms; 0 for none. */
  readonly limitMs: number;
  run(context: Context, params: Value<P>): Promise<Value<R>>;
}

type Fields = Record<string, Type.TSchema>;

/** Most methods ask the server once or twice, or wait for a message to get there; as for one-shot commands. */
const defaultLimitMs = 30_000;

const timeoutMs = Type.Optional(Type.Integer({
  minimum: 0,
  maximum: 2 ** 31 - 1,
  description: "give up after so many milliseconds; 0: never",
}));

/** A method. What it does not know among its parameters is refused; results may get further fields in later versions. */
export function method<const P extends Fields, R extends Fields>(entry: {
  readonly about: string;
  readonly params: P;
  readonly result: R;
  readonly example: object;
  readonly limitMs?: number;
  run(
    context: Context,
    params: Value<Type.TObject<P>>,
  ): Promise<Value<Type.TObject<R>>>;
}): Method<Type.TObject<P>, Type.TObject<R>> {
  return {
    limitMs: defaultLimitMs,
    ...entry,
    params: Type.Object({ ...entry.params, timeoutMs }, {
      additionalProperties: false,
    }) as unknown as Type.TObject<P>,
    result: Type.Object(entry.result),
  };
}

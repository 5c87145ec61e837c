/** How the schemas of `--json` are written down. Fields are only ever added, so what a schema does not know is allowed. */
import Type from "typebox";
import { jsonVersion } from "./json_line.ts";

type Fields = Record<string, Type.TSchema>;

/** One object that stands by itself on a line: `{"v":1,"type":NAME,...}`. */
export function line<const N extends string, F extends Fields>(
  name: N,
  about: string,
  fields: F,
) {
  const own = { v: Type.Literal(jsonVersion), type: Type.Literal(name) };
  return Type.Object({ ...own, ...fields }, { title: name, description: about });
}

/** An object within another one. */
export function part<F extends Fields>(fields: F) {
  return Type.Object(fields);
}

/** One of some words. */
export function oneOf<const W extends readonly string[]>(...words: W) {
  return Type.Unsafe<W[number]>({ type: "string", enum: [...words] });
}

/** An optional field. */
export const maybe = Type.Optional;

/** Milliseconds since 1970. */
export const time = Type.Integer({ description: "milliseconds since 1970" });

/** A time as ISO 8601 in UTC. */
export const isoTime = Type.String({ description: "ISO 8601, UTC" });

/** A number of things. */
export const count = Type.Integer({ minimum: 0 });

/** A UUID. */
export const uuid = Type.String({
  pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
});

/** What others wrote is unchanged in it: whoever shows it on a terminal has to make it harmless. */
export const foreign = Type.String();

/** `#lobby`, `#` and a group's name, or the other account's name. */
export const conversation = Type.String({ description: "#lobby, #group or an account's name" });

/** Text made by this program. */
export const text = Type.String();

export const flag = Type.Boolean();

/** A list. */
export const list = Type.Array;

/** A value as a schema describes it, which nobody changes any more. */
export type Value<S extends Type.TSchema> = ReadonlyDeep<Type.Static<S>>;

type ReadonlyDeep<T> = T extends readonly (infer E)[] ? readonly ReadonlyDeep<E>[]
  : T extends object ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> }
  : T;

/** The table of methods as JSON Schema: what `sealpost schema rpc` and `session.schema` print. */
import Type from "typebox";
import { outputs } from "../schemas/outputs.ts";
import { jsonVersion } from "../../../lib/base/json_line.ts";
import type { Method } from "./define.ts";
import { eventSchemas } from "./events.ts";
import { methods } from "./methods.ts";
import { rpcCodes } from "./protocol.ts";

const dialect = "https://json-schema.org/draft/2020-12/schema";

const id = Type.Union([Type.String({ maxLength: 128 }), Type.Number()]);

/** The error of an answer. */
export const rpcErrorSchema = Type.Object({
  code: Type.Integer({
    description: `the specification's codes; ${rpcCodes.failure} minus the exit code for failures`,
  }),
  message: Type.String(),
  data: Type.Object({
    exit: Type.Integer({ description: "the exit code that a one-shot command would end with" }),
    code: Type.String({ description: "for programs; never changes its meaning" }),
    retryAfterMs: Type.Optional(Type.Integer()),
  }),
});

/** All methods and events, version 1. Plain data. */
export function rpcDocument(): Record<string, unknown> {
  const all = Object.entries(methods as Record<string, Method>);
  return shared({
    $schema: dialect,
    $id: `sealpost/rpc/${jsonVersion}`,
    title: "sealpost client rpc: JSON-RPC 2.0, one object per line",
    version: jsonVersion,
    anyOf: [{ $ref: "#/$defs/request" }, { $ref: "#/$defs/answer" }, { $ref: "#/$defs/event" }],
    "x-methods": Object.fromEntries(
      all.map(([name, { about, example }]) => [name, {
        about,
        params: { $ref: `#/$defs/${name}.params` },
        result: { $ref: `#/$defs/${name}.result` },
        example,
      }]),
    ),
  }, {
    objects: outputs,
    more: {
      request: requestSchema(all),
      answer: Type.Object({
        jsonrpc: Type.Literal("2.0"),
        id: Type.Union([...id.anyOf, Type.Null()]),
        result: Type.Optional(Type.Object({})),
        error: Type.Optional(rpcErrorSchema),
      }),
      event: Type.Object({
        jsonrpc: Type.Literal("2.0"),
        method: Type.Literal("event"),
        params: Type.Union(Object.values(eventSchemas)),
      }),
      ...Object.fromEntries(all.flatMap(([name, { params, result }]) => [
        [`${name}.params`, params],
        [`${name}.result`, result],
      ])),
    },
  });
}

/** A request with the parameters of its method. */
function requestSchema(all: readonly (readonly [string, Method])[]) {
  return {
    oneOf: all.map(([name]) => ({
      type: "object",
      required: ["jsonrpc", "method"],
      properties: {
        jsonrpc: { const: "2.0" },
        id,
        method: { const: name },
        params: { $ref: `#/$defs/${name}.params` },
      },
    })),
  };
}

/** Schemas of objects of `--json`, by their names. */
type Objects = Readonly<Record<string, object>>;

/**
 * One object of `--json`, or all of them: of the client, and `others` of the rest of the program. Undefined for a name
 * that there is none of.
 */
export function outputDocument(name: string, others: Objects): Record<string, unknown> | undefined {
  const all: Objects = { ...outputs, ...others };
  if (name === "json") {
    return shared({
      $schema: dialect,
      $id: `sealpost/json/${jsonVersion}`,
      title: "What --json prints, one object per line",
      version: jsonVersion,
      anyOf: Object.values(all),
    }, { objects: all });
  }
  const schema = Object.hasOwn(all, name) ? all[name] : undefined;
  if (schema === undefined) return undefined;
  return { $schema: dialect, $id: `sealpost/json/${jsonVersion}/${name}`, ...plain(schema) };
}

/** The names that `outputDocument` takes. */
export function outputNames(others: Objects): readonly string[] {
  return ["json", ...new Set([...Object.keys(outputs), ...Object.keys(others)])];
}

const plain = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value));

/** The document with each of these objects written once, under `$defs`, and referred to where it stands. */
function shared(
  top: Record<string, unknown>,
  { objects, more = {} }: { readonly objects: Objects; readonly more?: Record<string, unknown> },
): Record<string, unknown> {
  const titles = new Set(Object.values(objects).map((schema) => plain(schema)["title"]));
  const children = (node: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, refer(inner)]));
  const refer = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(refer);
    if (typeof node !== "object" || node === null) return node;
    const { title, properties } = node as { title?: unknown; properties?: unknown };
    if (properties !== undefined && titles.has(title)) return { $ref: `#/$defs/${title}` };
    return children(node as Record<string, unknown>);
  };
  const own = Object.entries(objects).map(([name, schema]) => [name, children(plain(schema))]);
  return {
    ...children(plain(top)),
    $defs: { ...Object.fromEntries(own), ...children(plain(more)) },
  };
}

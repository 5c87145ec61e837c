/** The table of methods as JSON Schema: what `sealpost schema rpc` and `session.schema` print. */
import Type from "typebox";
import { outputs } from "../schemas/outputs.ts";
import { jsonVersion } from "../schemas/define.ts";
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

/** One object of `--json`, or all of them. Undefined for a name that there is none of. */
export function outputDocument(name: string): Record<string, unknown> | undefined {
  if (name === "json") {
    return shared({
      $schema: dialect,
      $id: `sealpost/json/${jsonVersion}`,
      title: "What --json prints, one object per line",
      version: jsonVersion,
      anyOf: Object.values(outputs),
    }, {});
  }
  if (!Object.hasOwn(outputs, name)) return undefined;
  const { [name as keyof typeof outputs]: schema } = outputs;
  return { $schema: dialect, $id: `sealpost/json/${jsonVersion}/${name}`, ...plain(schema) };
}

/** The names that `outputDocument` takes. */
export const outputNames: readonly string[] = ["json", ...Object.keys(outputs)];

const plain = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value));

/** The document with every object of `--json` written once, under `$defs`, and referred to where it stands. */
function shared(
  top: Record<string, unknown>,
  definitions: Record<string, unknown>,
): Record<string, unknown> {
  const own = Object.entries(outputs).map(([name, schema]) => [name, children(plain(schema))]);
  return {
    ...children(plain(top)),
    $defs: { ...Object.fromEntries(own), ...children(plain(definitions)) },
  };
}

/** Names of the shared objects, by the title that each has. */
const titles = new Set<unknown>(Object.values(outputs).map((schema) => plain(schema)["title"]));

function refer(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(refer);
  if (typeof node !== "object" || node === null) return node;
  const { title, properties } = node as { title?: unknown; properties?: unknown };
  if (properties !== undefined && titles.has(title)) return { $ref: `#/$defs/${title}` };
  return children(node as Record<string, unknown>);
}

function children(node: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, refer(inner)]));
}

/**
 * Writes the part of docs/RPC.md that follows from the code: every method and every event. It stands between markers.
 * `deno run --allow-read --allow-write scripts/rpc_tables.ts` brings the document up to date; a test sees to it that it is.
 */
import type { Method } from "../client/commands/rpc/define.ts";
import { eventSchemas } from "../client/commands/rpc/events.ts";
import { methods } from "../client/commands/rpc/methods.ts";
import { outputs } from "../client/commands/schemas/outputs.ts";
import { fromFileUrl } from "./paths.ts";

/** Where the document lies. */
export const rpcDocumentPath = fromFileUrl(new URL("../docs/RPC.md", import.meta.url));

/** One JSON Schema node, as far as the tables use the language. */
interface Node {
  readonly type?: string;
  readonly title?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
}

const nodeOf = (schema: unknown): Node => JSON.parse(JSON.stringify(schema));

const named = new Set(Object.values(outputs).map((schema) => nodeOf(schema).title));

/** What a value may be, in a few words; objects of `--json` by their name. */
function typeText(node: Node): string {
  if (node.title !== undefined && named.has(node.title)) return node.title;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map((word) => JSON.stringify(word)).join(" \\| ");
  if (node.anyOf !== undefined) return node.anyOf.map(typeText).join(" \\| ");
  if (node.type === "array") return `[${typeText(node.items ?? {})}, …]`;
  if (node.properties !== undefined) return `{${fieldsText(node, [])}}`;
  return node.type ?? "anything";
}

/** `name: type`, with `?` where it may be absent. */
function fieldsText({ properties = {}, required = [] }: Node, hidden: readonly string[]): string {
  return Object.entries(properties).filter(([name]) => !hidden.includes(name))
    .map(([name, node]) => `${name}${required.includes(name) ? "" : "?"}: ${typeText(node)}`)
    .join(", ");
}

function methodRow([name, { about, params, result, example }]: readonly [string, Method]): string {
  const taken = fieldsText(nodeOf(params), ["timeoutMs"]);
  return `| \`${name}\` | ${about} | ${taken} | ${fieldsText(nodeOf(result), [])} | \`${
    JSON.stringify(example)
  }\` |`;
}

function tables(): string {
  const events = Object.entries(eventSchemas).map(([kind, schema]) => {
    const { description } = JSON.parse(JSON.stringify(schema));
    return `| \`${kind}\` | ${description} | ${
      fieldsText(nodeOf(schema), ["v", "type", "event"])
    } |`;
  });
  return [
    "| method | what it does | params | result | example of params |",
    "| --- | --- | --- | --- | --- |",
    ...Object.entries(methods as Record<string, Method>).map(methodRow),
    "",
    "| event | when | fields |",
    "| --- | --- | --- |",
    ...events,
  ].join("\n");
}

const [begin, end] = ["<!-- tables: scripts/rpc_tables.ts -->", "<!-- end of tables -->"];

/** The document with its tables as the code has them. Throws when the markers are missing. */
export function withTables(document: string): string {
  const [head, rest] = document.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`${rpcDocumentPath}: no markers`);
  return `${head}${begin}\n${tables()}\n${end}${tail}`;
}

if (import.meta.main) {
  const document = await Deno.readTextFile(rpcDocumentPath);
  await Deno.writeTextFile(rpcDocumentPath, withTables(document));
}

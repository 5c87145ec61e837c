/** Reading the catalogue's schemas for people: what a field may be, and an example of a message. */

import { latestTime } from "../lib/base/limits.ts";

/** One JSON Schema node, as far as the catalogue uses the language. */
export interface Node {
  readonly type?: string;
  readonly const?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly Node[];
  readonly items?: Node | readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
}

/** The schema as plain JSON. */
export function nodeOf(schema: unknown): Node {
  return JSON.parse(JSON.stringify(schema));
}

/** What a field may be, in a few words. */
export function typeText(node: Node): string {
  if (node.const !== undefined) return `\`"${node.const}"\``;
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeText))].join(" or ");
  switch (node.type) {
    case "string":
      return stringText(node);
    case "integer":
      return integerText(node);
    case "array":
      return arrayText(node);
    default:
      return node.type ?? "anything";
  }
}

function stringText({ pattern, minLength, maxLength }: Node): string {
  if (pattern?.startsWith("^[0-9a-f]{8}-")) return "UUID";
  if (pattern !== undefined) {
    const bytes = Math.floor((maxLength ?? 0) * 3 / 4);
    return minLength === maxLength
      ? `base64url, ${bytes} bytes`
      : `base64url, up to ${bytes} bytes`;
  }
  return minLength === undefined
    ? `text, up to ${maxLength} characters`
    : `text, ${minLength} to ${maxLength} characters`;
}

function integerText({ minimum, maximum }: Node): string {
  if (maximum === Number.MAX_SAFE_INTEGER) return "count";
  if (maximum === latestTime) return "time";
  if (maximum === undefined) return `integer from ${minimum}`;
  return `integer, ${minimum} to ${maximum}`;
}

function arrayText({ items, maxItems }: Node): string {
  if (isTuple(items)) return `list of exactly ${items.length}: ${items.map(typeText).join(", ")}`;
  return `list of up to ${maxItems}: ${items === undefined ? "anything" : typeText(items)}`;
}

function isTuple(items: Node["items"]): items is readonly Node[] {
  return Array.isArray(items);
}

const uuid = "01890a5d-ac96-774b-bcce-b302099a8057";

/** Values that make examples readable. */
const samples: Readonly<Record<string, unknown>> = {
  id: 7,
  name: "sam",
  label: "laptop",
  text: "Hello, everybody",
  message: "the conversation has moved on",
  code: "epoch_too_old",
  software: "sealpost/0.1.0",
  address: "10.8.0.7",
  addresses: ["10.8.0.7"],
  connection: "0123456789ab",
  capabilities: [],
  authority: "-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n",
  checkpoint: "<32 hex>.<32 hex>.sealpost.internal\n12\n<root>\n\n\u2014 <origin> <signature>\n",
  headerBytes: 65536,
  bodyBytes: 1048576,
  messages: 256,
  pingMs: 25000,
  parts: [912, 0, 1406],
  body: 312,
  limit: 64,
  length: 312,
  retryAfterMs: 2000,
  more: false,
  seq: 12,
  head: 12,
  after: 11,
  epoch: 3,
  ts: 1763683200000,
  at: 1763683200000,
  now: 1763683200000,
  sentAt: 1763683199000,
  createdAt: 1763683200000,
  lastSeen: 1763683200000,
  lastResortAt: 1763683200000,
  deliveredAt: 1763683200000,
  readAt: null,
};

/** A message that its schema accepts; `name` is the field that the node is the value of. */
export function exampleOf(node: Node, name = ""): unknown {
  if (node.const !== undefined) return node.const;
  if (node.type === "object") return exampleObject(node);
  const sample = samples[name];
  if (sample !== undefined && fits(node, sample)) return sample;
  if (node.anyOf !== undefined) return exampleOf(node.anyOf[0] ?? {}, name);
  if (node.type === "array") return exampleList(node);
  return exampleScalar(node);
}

function exampleObject(node: Node): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(node.properties ?? {}).map(([name, inner]) => [name, exampleOf(inner, name)]),
  );
}

function exampleList({ items }: Node): unknown[] {
  if (isTuple(items)) return items.map((item) => exampleOf(item));
  return items === undefined ? [] : [exampleOf(items)];
}

function exampleScalar(node: Node): unknown {
  if (node.type === "boolean") return true;
  if (node.type === "integer") return Math.max(1, node.minimum ?? 0);
  if (node.type !== "string") return null;
  if (node.pattern?.startsWith("^[0-9a-f]{8}-")) return uuid;
  if (node.pattern === undefined) return node.minLength === undefined ? "" : "sam";
  return node.minLength === undefined ? "AAEC" : "A".repeat(node.minLength);
}

/** Whether the sample is of the node's kind; one name can stand for different things. */
function fits(node: Node, sample: unknown): boolean {
  const kinds = (node.anyOf ?? [node]).map(({ type, pattern, const: fixed }) => {
    if (pattern !== undefined || fixed !== undefined) return "none";
    if (type === "array") return Array.isArray(sample) ? "object" : "none";
    return type === "integer" ? "number" : type === "null" ? "object" : type;
  });
  return kinds.includes(typeof sample);
}

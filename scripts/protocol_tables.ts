/**
 * Writes the parts of docs/PROTOCOL.md that follow from the code: a section for each message of the catalogue, and the
 * table of errors. They stand between markers. The same examples go into `tests/vectors/messages.json`. `deno run --allow-read
 * --allow-write scripts/protocol_tables.ts` brings both up to date; a test sees to it that they are.
 */
import { errorCodes } from "../lib/base/errors.ts";
import { catalogue, type Entry, type MessageType } from "../lib/wire/messages.ts";
import { exampleOf, type Node, nodeOf, typeText } from "./protocol_schema.ts";
import { fieldNotes } from "./protocol_field_notes.ts";
import { messageNotes } from "./protocol_notes.ts";

/** Which messages stand under which heading of the document. */
const sections: Readonly<Record<string, (type: string) => boolean>> = {
  session: (type) => /^(hello|error|ping|pong|session|server)\b/.test(type),
  account: (type) => /^(account|vault|device)\./.test(type),
  directory: (type) => /^(directory|keypackages)\.|^presence$/.test(type),
  conversation: (type) =>
    /^(conversation|message)\.|^(message|commit|welcome|receipt|rollback|recreated)$/.test(type),
  lobby: (type) => /^lobby\b/.test(type),
  archive: (type) => /^archive\b/.test(type),
  file: (type) => /^file\./.test(type),
  notification: (type) => /^notification\b/.test(type),
  peer: (type) => /^peer\./.test(type),
};

/** One field of a message. */
interface Row {
  /** Dotted. */
  readonly path: string;
  readonly type: string;
  readonly optional: boolean;
}

/** All fields of an object, those of nested objects behind the field that holds them. */
function rows(object: Node, prefix = ""): Row[] {
  return Object.entries(object.properties ?? {}).flatMap(([name, node]) => {
    const path = prefix + name;
    const optional = !(object.required ?? []).includes(name);
    const inner = Array.isArray(node.items) ? undefined : node.items as Node | undefined;
    const nested = node.type === "object" ? node : inner?.type === "object" ? inner : undefined;
    const below = nested === undefined ? [] : rows(nested, `${path}.`);
    return [{ path, type: typeText(node), optional }, ...below];
  });
}

/** The note of a field: the most specific one. Every field has one; `missingNotes` tells otherwise. */
function noteOf(type: MessageType, path: string): string | undefined {
  const names = path.split(".");
  const last = names.at(-1) ?? path;
  const holder = names.at(-2);
  return fieldNotes[`${type}.${path}`] ?? (holder && fieldNotes[`${holder}.${last}`]) ??
    fieldNotes[last];
}

/** Fields without a note, as `type.path`. */
export function missingNotes(): string[] {
  return types().flatMap((type) =>
    fieldsOf(type).filter(({ path }) => noteOf(type, path) === undefined).map(({ path }) =>
      `${type}.${path}`
    )
  );
}

function types(): MessageType[] {
  return Object.keys(catalogue) as MessageType[];
}

/** Its fields without `type`. */
function fieldsOf(type: MessageType): Row[] {
  return rows(nodeOf(catalogue[type].schema)).filter(({ path }) => path !== "type");
}

function heading(type: MessageType): string {
  const entry: Entry = catalogue[type];
  const from = { client: "client to server", server: "server to client", both: "both ways" };
  const states = entry.states.length > 0 && entry.direction !== "server"
    ? `; in ${entry.states.map((state) => `\`${state}\``).join(", ")}`
    : "";
  return `*${from[entry.direction]}, ${entry.role}${states}*`;
}

function fieldTable(type: MessageType): string[] {
  const fields = fieldsOf(type);
  if (fields.length === 0) return ["No fields beside `type`.", ""];
  const lines = fields.map(({ path, type: text, optional }) => {
    const note = noteOf(type, path) ?? "";
    return `| \`${path}\`${optional ? " (optional)" : ""} | ${text} | ${note} |`;
  });
  return ["| field | type | meaning |", "|---|---|---|", ...lines, ""];
}

function message(type: MessageType): string[] {
  const { text, errors = [] } = messageNotes[type];
  const refusals = [...new Set(errors)].map((code) => `\`${code}\``).join(", ");
  return [
    `#### \`${type}\``,
    "",
    heading(type),
    "",
    text,
    "",
    ...fieldTable(type),
    ...(refusals === "" ? [] : [`Refusals: ${refusals}.`, ""]),
    "```json",
    ...examplesOf(type).map((example) => JSON.stringify(example)),
    "```",
    "",
  ];
}

/** What two servers say comes in kinds; these fields hold them. */
const kinds = ["item", "ask", "answer"];

/** Messages of the type as they may travel: one, or where it holds one of several kinds, one of each. */
export function examplesOf(type: MessageType): object[] {
  const node = nodeOf(catalogue[type].schema);
  const example = Object(exampleOf(node));
  const [field, variants = []] = Object.entries(node.properties ?? {})
    .map(([name, { anyOf }]) => [name, anyOf] as const)
    .find(([name, anyOf]) => kinds.includes(name) && anyOf !== undefined) ?? [];
  const known = variants.filter((one) => one.properties?.["kind"]?.const !== undefined);
  if (field === undefined || known.length === 0) return [example];
  return known.map((one) => ({ ...example, [field]: exampleOf(one) }));
}

function errorTable(): string[] {
  const lines = Object.entries(errorCodes).map(([code, { text, retry }]) =>
    `| \`${code}\` | ${text} | ${retry} |`
  );
  return ["| code | text | retry |", "|---|---|---|", ...lines, ""];
}

/** Everything that is generated, by the name of its markers. */
export function generatedParts(): Readonly<Record<string, string>> {
  const parts = Object.entries(sections).map(([name, belongs]) => [
    `messages ${name}`,
    types().filter(belongs).flatMap(message).join("\n"),
  ]);
  return { ...Object.fromEntries(parts), errors: errorTable().join("\n") };
}

/** The headings under which each message stands: exactly one, or the document is wrong. */
export function sectionsOf(type: string): string[] {
  return Object.entries(sections).filter(([, belongs]) => belongs(type)).map(([name]) => name);
}

/** The document with its generated parts as they are to be. Throws when a marker is missing. */
export function updated(document: string): string {
  return Object.entries(generatedParts()).reduce((text, [name, content]) => {
    const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the document has no part "${name}"`);
    return `${text.slice(0, from + begin.length)}\n\n${content}\n${text.slice(to)}`;
  }, document);
}

/** Messages of each type as they may travel, for `tests/vectors/messages.json`: the texts of their objects in a header. */
export function messageVectors(): string {
  const vectors = types().flatMap((type) => {
    const { direction, role }: Entry = catalogue[type];
    return examplesOf(type).map((one) => ({ type, direction, role, text: JSON.stringify(one) }));
  });
  return `${JSON.stringify(vectors, null, 2)}\n`;
}

/** Where those are. */
export const messagesFile = new URL("../tests/vectors/messages.json", import.meta.url);

/** Where the document is. */
export const protocolDocument = new URL("../docs/PROTOCOL.md", import.meta.url);

if (import.meta.main) {
  const document = await Deno.readTextFile(protocolDocument);
  await Deno.writeTextFile(protocolDocument, updated(document));
  await Deno.writeTextFile(messagesFile, messageVectors());
}

import assert from "node:assert/strict";
import { Compile } from "typebox/compile";
import { catalogue, type MessageType } from "../../lib/wire/messages.ts";
import { nodeOf } from "../../scripts/protocol_schema.ts";
import {
  examplesOf,
  messagesFile,
  messageVectors,
  missingNotes,
  protocolDocument,
  sectionsOf,
  updated,
} from "../../scripts/protocol_tables.ts";
import { fieldNotes } from "../../scripts/protocol_field_notes.ts";
import { signedVectors } from "../vectors/make_signed.ts";
import { wireVectors } from "../vectors/make_wire.ts";

const types = Object.keys(catalogue) as MessageType[];
const document = await Deno.readTextFile(protocolDocument);

Deno.test("the document's tables are those of the code; scripts/protocol_tables.ts writes them", () => {
  assert.ok(updated(document) === document, "run scripts/protocol_tables.ts");
});

Deno.test("every message has a vector, the document's example; scripts/protocol_tables.ts writes them", async () => {
  const written = await Deno.readTextFile(messagesFile);
  assert.ok(written === messageVectors(), "run scripts/protocol_tables.ts");
});

Deno.test("every message stands in exactly one section of the document", () => {
  for (const type of types) assert.equal(sectionsOf(type).length, 1, type);
});

Deno.test("every field of every message has a note, and every note a field", () => {
  assert.deepEqual(missingNotes(), []);
  const names = new Set(types.flatMap((type) => [...namesIn(nodeOf(catalogue[type].schema))]));
  const idle = Object.keys(fieldNotes).filter((note) => !names.has(note.split(".").at(-1) ?? ""));
  assert.deepEqual(idle, []);
});

function* namesIn(node: ReturnType<typeof nodeOf>): Iterable<string> {
  for (const [name, inner] of Object.entries(node.properties ?? {})) {
    yield name;
    yield* namesIn(inner);
  }
  if (node.items !== undefined && !Array.isArray(node.items)) {
    yield* namesIn(nodeOf(node.items));
  }
}

Deno.test("every example of the document is accepted by its schema", () => {
  for (const type of types) {
    const { schema } = catalogue[type];
    const check = Compile(nodeOf(schema));
    for (const example of examplesOf(type)) {
      assert.ok(check.Check(example), `${type}: ${JSON.stringify(example)}`);
    }
  }
});

Deno.test("what servers queue for each other and ask has an example of every kind", () => {
  const count = (type: MessageType) => examplesOf(type).length;
  assert.deepEqual([count("peer.item"), count("peer.ask"), count("peer.answer")], [13, 4, 4]);
});

Deno.test("the values that the document prints are those of the vectors", () => {
  const { keys, hellos, frames, lobbyPost, content } = wireVectors;
  const printed = [
    keys.identity.publicKey,
    keys.device.publicKey,
    hellos.sessionId,
    frames[0]?.signature,
    lobbyPost.signature,
    content.signature,
    ...signedVectors.commitRefusals.filter(({ reason }) => reason === "invalid")
      .flatMap(({ signed, signature }) => [signed, signature]),
  ];
  for (const value of printed) assert.ok(document.includes(value ?? "no vector"), value);
});

import assert from "node:assert/strict";
import { fromUtf8, utf8 } from "../../../lib/base/bytes.ts";
import { decodeContent, encodeContent } from "../../../client/engine/content/codec.ts";
import { contentKinds } from "../../../client/engine/content/kinds.ts";

const document = Deno.readTextFileSync(new URL("../../../docs/PROTOCOL.md", import.meta.url));

/** The section about content, without its subsections of other matters. */
function section(): string {
  const start = document.indexOf("\n## Content\n");
  const end = document.indexOf("\n### Safety number\n", start);
  assert.ok(start > 0 && end > start);
  return document.slice(start, end);
}

Deno.test("every example of content in the document is what the code writes, and reads", () => {
  const blocks = [...section().matchAll(/```json\n(.*?)```/gs)].map((match) => match[1] ?? "");
  const examples = blocks.flatMap((block) => block.trim().split("\n"))
    .filter((line) => line.includes('"kind"'));
  assert.ok(examples.length >= 6, `${examples.length}`);
  for (const example of examples) {
    const content = decodeContent(utf8(example));
    assert.ok(content.kind !== "unknown", example);
    assert.equal(fromUtf8(encodeContent(content)), example);
  }
});

Deno.test("the document has a row for every kind of content", () => {
  const text = section();
  for (const kind of Object.keys(contentKinds)) assert.ok(text.includes(`| \`${kind}\` |`), kind);
});

/** What `sealpost schema` and docs/RPC.md say of `client rpc` is what the table of methods says. */
import assert from "node:assert/strict";
import { Compile } from "typebox/compile";
import { outputDocument, outputNames, rpcDocument } from "../../../client/commands/rpc/document.ts";
import type { Method } from "../../../client/commands/rpc/define.ts";
import { methods } from "../../../client/commands/rpc/methods.ts";
import { readLine } from "../../../client/commands/rpc/protocol.ts";
import { outputs } from "../../../client/commands/schemas/outputs.ts";
import { outputs as serverOutputs } from "../../../server/schemas/outputs.ts";
import { rpcDocumentPath, withTables } from "../../../scripts/rpc_tables.ts";

const all = Object.entries(methods as Record<string, Method>);

Deno.test("the document's tables are those of the code; scripts/rpc_tables.ts writes them", async () => {
  const document = await Deno.readTextFile(rpcDocumentPath);
  assert.ok(withTables(document) === document, "run scripts/rpc_tables.ts");
});

Deno.test("every example of a method fits its parameters, and the printed schema of requests", () => {
  const document = rpcDocument() as { readonly $defs: Record<string, object> };
  for (const [name, { params, example }] of all) {
    assert.ok(Compile(params).Check(example), name);
    const line = JSON.stringify({ jsonrpc: "2.0", id: 1, method: name, params: example });
    assert.equal(readLine(new TextEncoder().encode(line)).kind, "request");
    const printed = document.$defs[`${name}.params`];
    assert.ok(printed !== undefined && Compile(printed).Check(example), name);
  }
});

Deno.test("every reference of a printed schema leads somewhere", () => {
  const names = outputNames(serverOutputs);
  assert.ok(names.includes("message") && names.includes("status"));
  for (
    const document of [rpcDocument(), ...names.map((name) => outputDocument(name, serverOutputs))]
  ) {
    const text = JSON.stringify(document);
    const defined = Object.keys((document?.["$defs"] ?? {}) as object);
    const used = [...text.matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map((match) => match[1] ?? "");
    assert.deepEqual(used.filter((name) => !defined.includes(name)), []);
    assert.match(text, /"\$schema":"https:\/\/json-schema.org\/draft\/2020-12\/schema"/);
  }
  assert.equal(outputDocument("nothing", serverOutputs), undefined);
});

Deno.test("a type of --json has one schema, whichever part of the program prints it", () => {
  for (const all of [outputs, serverOutputs] as Readonly<Record<string, object>>[]) {
    for (const [name, schema] of Object.entries(all)) {
      assert.equal(JSON.parse(JSON.stringify(schema)).title, name);
      if (Object.hasOwn(outputs, name) && Object.hasOwn(serverOutputs, name)) {
        assert.equal(
          (outputs as Record<string, object>)[name],
          (serverOutputs as Record<string, object>)[name],
          name,
        );
      }
    }
  }
});

import assert from "node:assert/strict";
import { cycles, grantsAll, hiddenImports, roomOf, tooLong, violations } from "./check.ts";
import { type Edge, type Graph, nameOf, workerEdges } from "./graph.ts";
import { checkTree } from "./tree.ts";

/** A made-up graph: each line is `from -> to`, or `from => to` for a worker. */
function graph(...lines: string[]): Graph {
  const edges = lines.map((line): Edge => {
    const [from, arrow, to] = line.split(" ") as [string, string, string];
    return { from, to, kind: arrow === "=>" ? "worker" : "import" };
  });
  const files = edges.flatMap(({ from, to }) => [from, to]).filter((name) => !name.includes(":"));
  return { sources: new Map(files.map((file) => [file, ""])), edges, unreadable: [] };
}

/** Each made-up graph breaks one rule; the text is part of the line that says so. */
const broken: readonly [name: string, graph: Graph, expected: RegExp][] = [
  [
    "lib/base importing another room",
    graph("lib/base/a.ts -> lib/crypto/b.ts"),
    /base.*imports lib\/crypto/,
  ],
  ["lib/crypto importing lib/wire", graph("lib/crypto/a.ts -> lib/wire/b.ts"), /imports lib\/wire/],
  ["lib importing the server", graph("lib/wire/a.ts -> server/domain/b.ts"), /imports server/],
  ["the server importing the client", graph("server/run.ts -> client/run.ts"), /imports client/],
  ["the client importing the server", graph("client/run.ts -> server/run.ts"), /imports server/],
  ["ui importing lib/wire", graph("client/ui/a.ts -> lib/wire/b.ts"), /imports lib\/wire/],
  ["ui importing lib/mls", graph("client/ui/a.ts -> lib/mls/b.ts"), /imports lib\/mls/],
  ["ui importing lib/sql", graph("client/ui/a.ts -> lib/sql/b.ts"), /imports lib\/sql/],
  [
    "domain importing operations",
    graph("server/domain/a.ts -> server/operations/b.ts"),
    /imports server\/operations/,
  ],
  [
    "a gateway reaching past the proxy of the storage",
    graph("server/gateway/a.ts -> server/storage/engine.ts"),
    /imports server\/storage\/engine/,
  ],
  [
    "a gateway importing more of lib/mls than the reader of headers",
    graph("server/gateway/a.ts -> lib/mls/state.ts"),
    /imports lib\/mls\/state/,
  ],
  ["production importing a test", graph("lib/base/a.ts -> tests/kit/b.ts"), /imports tests/],
  ["a folder that is no room", graph("lib/misc/a.ts -> lib/misc/b.ts"), /in no room/],
  ["a file beside the rooms of lib", graph("lib/a.ts -> lib/base/b.ts"), /in no room/],
  ["ts-mls outside lib/mls", graph("client/engine/a.ts -> npm:ts-mls"), /belongs to lib\/mls/],
  ["node:sqlite outside lib/sql", graph("client/store/a.ts -> node:sqlite"), /belongs to lib\/sql/],
  ["a package nobody listed", graph("lib/base/a.ts -> npm:left-pad"), /not in the table/],
  ["a module from the web", graph("lib/base/a.ts -> https://example.org/x.ts"), /not in the table/],
  [
    "ts-mls within reach of the server",
    graph(
      "server/run.ts -> server/gateway/a.ts",
      "server/gateway/a.ts -> lib/mls/peek.ts",
      "lib/mls/peek.ts -> npm:ts-mls",
    ),
    /cannot decrypt, but: server\/run.ts -> .* -> npm:ts-mls/,
  ],
  [
    "ts-mls within reach of a worker of the server",
    graph("server/run.ts => server/gateway/worker.ts", "server/gateway/worker.ts -> npm:ts-mls"),
    /cannot decrypt/,
  ],
  [
    "a gateway worker that comes to the database",
    graph(
      "server/gateway/worker.ts -> server/storage/proxy.ts",
      "server/storage/proxy.ts -> lib/sql/open.ts",
    ),
    /holds no files, but/,
  ],
  [
    "a storage worker that comes to the network",
    graph("server/storage/worker.ts -> lib/wire/tls.ts"),
    /faces no network, but/,
  ],
  [
    "a circle",
    graph("lib/base/a.ts -> lib/base/b.ts", "lib/base/b.ts -> lib/base/a.ts"),
    /circle: lib\/base\/a.ts -> lib\/base\/b.ts -> lib\/base\/a.ts/,
  ],
];

for (const [name, made, expected] of broken) {
  Deno.test(`the architecture check refuses ${name}`, () => {
    assert.match(violations(made).join("\n"), expected);
  });
}

Deno.test("the architecture check accepts imports that the table allows", () => {
  const made = graph(
    "main.ts -> server/run.ts",
    "main.ts -> client/run.ts",
    "server/run.ts -> server/storage/start.ts",
    "server/storage/start.ts => server/storage/worker.ts",
    "server/storage/worker.ts -> server/tables/sqlite/accounts.ts",
    "server/tables/sqlite/accounts.ts -> lib/sql/open.ts",
    "lib/sql/open.ts -> node:sqlite",
    "server/gateway/worker.ts -> server/storage/proxy.ts",
    "server/gateway/worker.ts -> lib/mls/peek.ts",
    "client/run.ts -> client/engine/outbox.ts",
    "client/engine/outbox.ts -> lib/mls/state.ts",
    "lib/mls/state.ts -> npm:ts-mls",
  );
  assert.deepEqual(violations(made), []);
});

Deno.test("a module that cannot be found is refused, not passed over", () => {
  const made = { ...graph("lib/base/a.ts -> lib/base/b.ts"), unreadable: ["lib/base/b.ts: gone"] };
  assert.deepEqual(violations(made), ["lib/base/b.ts: gone"]);
});

Deno.test("a worker that imports from the module that starts it makes no circle", () => {
  const made = graph(
    "server/storage/start.ts => server/storage/worker.ts",
    "server/storage/worker.ts -> server/storage/start.ts",
  );
  assert.deepEqual(cycles(made), []);
});

Deno.test("rooms are found for files at any depth", () => {
  assert.equal(roomOf("lib/wire/catalogue/session.ts"), "lib/wire");
  assert.equal(roomOf("server/run.ts"), "server");
  assert.equal(roomOf("main.ts"), "main.ts");
  assert.equal(roomOf("server/unheard/of.ts"), undefined);
});

Deno.test("modules are named without versions and without the way to the tree", () => {
  assert.equal(nameOf("/tree", "file:///tree/lib/base/ids.ts"), "lib/base/ids.ts");
  assert.equal(nameOf("/tree", "npm:@noble/hashes@2.0.1/sha2.js"), "npm:@noble/hashes");
  assert.equal(nameOf("/tree", "npm:/typebox@1.4.3/compile"), "npm:typebox");
  assert.equal(nameOf("/tree", "node:sqlite"), "node:sqlite");
});

Deno.test("workers are seen in the text of the module that starts them", () => {
  const text = 'new Worker(new URL("../storage/worker.ts", import.meta.url), {})';
  assert.deepEqual(workerEdges("server/gateway/start.ts", text), [
    { from: "server/gateway/start.ts", to: "server/storage/worker.ts", kind: "worker" },
  ]);
});

Deno.test("an import by a computed name is refused, a literal one and a comment are not", () => {
  assert.equal(hiddenImports("a.ts", "await import(name)").length, 1);
  assert.equal(hiddenImports("a.ts", "await import(`./${name}.ts`)").length, 1);
  assert.equal(hiddenImports("a.ts", "createRequire(import.meta.url)").length, 1);
  assert.equal(hiddenImports("a.ts", 'await import("./b.ts")').length, 0);
  assert.equal(hiddenImports("a.ts", "/* import(name) */\n// import(name)").length, 0);
});

Deno.test("a file of more than 400 lines is refused", () => {
  assert.equal(tooLong("a.ts", "x\n".repeat(400)).length, 0);
  assert.equal(tooLong("a.ts", "x\n".repeat(401)).length, 1);
});

Deno.test("all permissions at once are refused in either spelling", () => {
  const short = ["-", "A"].join("");
  const long = ["--allow", "all"].join("-");
  assert.deepEqual(grantsAll("x.sh", `#!/bin/sh\ndeno run ${short} main.ts`).length, 1);
  assert.deepEqual(grantsAll("x.ts", `["run", "${long}"]`).length, 1);
  assert.deepEqual(grantsAll("x.sh", "deno run --allow-net main.ts").length, 0);
});

Deno.test("this tree keeps to its architecture", async () => {
  const { wrong, modules } = await checkTree();
  assert.deepEqual(wrong, []);
  assert.ok(modules > 0);
});

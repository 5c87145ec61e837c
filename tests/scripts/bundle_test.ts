import assert from "node:assert/strict";
import { withWorkers } from "../../scripts/bundle.ts";

const workers = ["server/gateway/worker.ts", "server/storage/worker.ts", "client/grep_worker.ts"];

Deno.test("in a bundle the URLs of workers lead to their bundles, from wherever they stand", () => {
  const text = `new Worker(new URL("../gateway/worker.ts", import.meta.url), { type: "module" });
    new Worker(new URL(
      "./grep_worker.ts",
      import.meta.url,
    ));`;
  const top = withWorkers(text, { path: "chunk-1.js", workers });
  assert.deepEqual(top.started, ["server/gateway/worker.ts", "client/grep_worker.ts"]);
  assert.match(top.text, /new URL\("\.\/server\/gateway\/worker\.js", import\.meta\.url\), \{/);
  assert.match(top.text, /new URL\("\.\/client\/grep_worker\.js", import\.meta\.url\)\)/);
  const below = withWorkers(text, { path: "server/storage/worker.js", workers });
  assert.match(below.text, /new URL\("\.\.\/\.\.\/server\/gateway\/worker\.js"/);
});

Deno.test("other URLs stay as they are in a bundle", () => {
  const text = 'new URL("../startServer.sh", import.meta.url); new URL("./worker.ts", base)';
  assert.deepEqual(withWorkers(text, { path: "main.js", workers }), { text, started: [] });
});

Deno.test("a worker's URL in a bundle that could mean several, or none, is refused", () => {
  for (const end of ["worker.ts", "other/worker.ts"]) {
    const text = `new URL("./${end}", import.meta.url)`;
    assert.throws(() => withWorkers(text, { path: "main.js", workers }), /one worker's path/);
  }
});

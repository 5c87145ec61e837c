import assert from "node:assert/strict";
import { Running } from "../kit/program.ts";
import { Empty } from "./executable.ts";

/** A server of the executable in `empty`, with nothing but HOME and what is given in its environment. */
async function serverIn(empty: Empty, env: Record<string, string> = {}) {
  const server = Running.start(["server", "0", "--json"], {
    home: empty.folder,
    file: empty.program,
    bare: true,
    env,
  });
  return { server, ready: JSON.parse(await server.waitForLine('"event":"ready"')) };
}

Deno.test("the executable is a whole server: it keeps everything under HOME, and stops when told to", async () => {
  await using empty = await Empty.make();
  const { server, ready } = await serverIn(empty);
  await using _ = server;
  assert.equal(ready.data, `${empty.folder}/.local/share/sealpost/server`);
  (await Deno.connect({ hostname: "127.0.0.1", port: ready.port })).close();
  assert.deepEqual(await server.stop("SIGTERM").then(({ code }) => code), 0);
  assert.deepEqual(empty.others(), [".local"]);
});

Deno.test("a second server on the same data is refused, and the first goes on", async () => {
  await using empty = await Empty.make();
  const { server, ready } = await serverIn(empty);
  await using _ = server;
  const second = await empty.run(["server", "0"], { HOME: empty.folder });
  assert.equal(second.code, 8, second.err);
  assert.match(second.err, /^sealpost: .*(in use|running|locked)[^\n]*\n$/);
  (await Deno.connect({ hostname: "127.0.0.1", port: ready.port })).close();
});

Deno.test("each worker of the executable fails to do what its permissions forbid", async () => {
  await using empty = await Empty.make();
  const { server } = await serverIn(empty, { SEALPOST_TEST_HOOKS: "1", SEALPOST_TEST_TRY: "1" });
  await using _ = server;
  const tried = JSON.parse(await server.waitForLine('"event":"tried"'));
  const workers = Object.keys(tried).filter((name) => name !== "event");
  assert.ok(workers.includes("storage"), `${workers}`);
  assert.ok(workers.some((name) => name.startsWith("gateway")), `${workers}`);
  for (const worker of workers) {
    // The gateway may listen, but not even dial; the storage worker is asked for files outside its data folder. Whom the
    // federation worker dials is known only while it runs: it may use the network, and nothing else.
    for (const [what, result] of Object.entries<string>(tried[worker])) {
      const dials = worker === "federation" && what === "net";
      assert.equal(result, dials ? "ConnectionRefused" : "NotCapable", `${worker} ${what}`);
    }
    assert.equal(Object.keys(tried[worker]).length, 7);
  }
});

Deno.test("without the switch for tests the executable tries nothing", async () => {
  await using empty = await Empty.make();
  const { server } = await serverIn(empty, { SEALPOST_TEST_TRY: "1" });
  await using _ = server;
  const { out } = await server.stop();
  assert.ok(!out.includes("tried"));
});

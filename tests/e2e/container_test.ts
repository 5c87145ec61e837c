/** What the Dockerfile runs, run without a container: the same words, on the executable in an empty folder. */
import assert from "node:assert/strict";
import { Running } from "../kit/program.ts";
import { Empty } from "./executable.ts";

const dockerfile = await Deno.readTextFile(new URL("../../Dockerfile", import.meta.url));
const compose = await Deno.readTextFile(new URL("../../compose.yaml", import.meta.url));

/** The JSON list behind an instruction of the last stage. */
function words(pattern: RegExp): string[] {
  const found = pattern.exec(dockerfile)?.[1];
  assert.ok(found, String(pattern));
  return JSON.parse(found);
}

Deno.test("the container's command serves, its health check tells, and SIGTERM ends it in order", async () => {
  await using empty = await Empty.make();
  const [program, ...entry] = words(/^ENTRYPOINT (\[.*\])$/m);
  const command = words(/^CMD (\[.*\])$/m);
  const [checker, ...check] = words(/^HEALTHCHECK [^\n]*\\\n\s*CMD (\[.*\])$/m);
  assert.equal(program, "/usr/local/bin/sealpost");
  assert.equal(checker, program);
  assert.equal(command[0], "5000");
  const here = (word: string) => word === "/data" ? `${empty.folder}/data` : word;
  const env = { HOME: empty.folder };

  const early = await empty.run(check.map(here), env);
  assert.equal(early.code, 1, "not healthy before it runs");
  const args = [...entry, "0", ...command.slice(1).map(here), "--metrics", "0"];
  await using server = Running.start(args, {
    home: empty.folder,
    file: empty.program,
    bare: true,
  });
  await server.waitForLine("Ready");
  const healthy = await empty.run(check.map(here), env);
  assert.equal(healthy.code, 0, healthy.err);
  assert.equal(JSON.parse(healthy.out).ok, true);
  const status = await empty.run(["server", "status", "--json", "--data", here("/data")], env);
  const figures = await fetch(`http://${JSON.parse(status.out).metrics}/metrics`);
  assert.match(await figures.text(), /^sealpost_gateway_connections_total\{worker="0"\} \d+$/m);
  const { out: unit } = await empty.run(["server", "systemd-unit", "5000"], env);
  assert.match(unit, /^ExecStart=\/\S+ server 5000 --data \/var\/lib\/sealpost$/m);
  assert.equal((await server.stop("SIGTERM")).code, 0);
  assert.deepEqual(empty.others(), ["data"]);
});

Deno.test("the compose file keeps the data folder in a volume, and publishes the port that is served", () => {
  assert.match(compose, /- data:\/data$/m);
  assert.match(compose, /^volumes:\n {2}data:$/m);
  const [, published] = /- "(\d+:\d+)"/.exec(compose) ?? [];
  assert.equal(published, "5000:5000");
  assert.match(dockerfile, /^EXPOSE 5000$/m);
  assert.match(dockerfile, /^VOLUME \/data$/m);
});

import assert from "node:assert/strict";
import { Machine, printArguments } from "./machine.ts";

Deno.test("the client script without arguments shows how to call it and ends with 2", async () => {
  await using machine = await Machine.make();
  const { code, err } = await machine.run("startClient.sh");
  assert.equal(code, 2);
  assert.match(err, /usage: .*startClient.sh HOST PORT/);
});

Deno.test("without executable, Deno and npm the scripts say what is missing and end with 2", async () => {
  await using machine = await Machine.make();
  for (
    const [script, args] of [["startServer.sh", ["5000"]], ["startClient.sh", ["h", "1"]]] as const
  ) {
    const { code, out, err } = await machine.run(script, [...args]);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, /install Deno 2\.4 or newer, or Node\.js with npm/);
  }
});

Deno.test("the compiled executable is preferred to a Deno on the PATH", async () => {
  await using machine = await Machine.make();
  await machine.fakeDeno("2.9.6");
  await machine.script("tree/sealpost", "echo compiled", printArguments);
  const server = await machine.run("startServer.sh", ["5000"]);
  assert.equal(server.out, "compiled\n[server][5000]\n");
  const client = await machine.run("startClient.sh", ["localhost", "5000"]);
  assert.equal(client.out, "compiled\n[client][localhost][5000]\n");
  assert.equal(client.err, "");
});

Deno.test("an executable that may not be executed is left alone", async () => {
  await using machine = await Machine.make();
  await machine.fakeDeno("2.9.6");
  await machine.script("tree/sealpost", "echo compiled");
  await Deno.chmod(`${machine.home}/tree/sealpost`, 0o644);
  const { out } = await machine.run("startServer.sh", ["5000"]);
  assert.match(out, /^\[run\]/);
});

Deno.test("arguments arrive as they were given, with spaces, quotes and empty ones", async () => {
  await using machine = await Machine.make();
  await machine.script("tree/sealpost", printArguments);
  const { out } = await machine.run("startServer.sh", [
    "5000",
    "--data",
    "my data",
    "",
    "it's",
    "*",
  ]);
  assert.equal(out, "[server][5000][--data][my data][][it's][*]\n");
});

Deno.test("the server script without arguments leaves the port to the program", async () => {
  await using machine = await Machine.make();
  await machine.script("tree/sealpost", printArguments);
  const { code, out } = await machine.run("startServer.sh");
  assert.equal(code, 0);
  assert.equal(out, "[server]\n");
});

Deno.test("the program's exit code is the script's", async () => {
  await using machine = await Machine.make();
  await machine.script("tree/sealpost", "exit 7");
  assert.equal((await machine.run("startServer.sh", ["5000"])).code, 7);
  assert.equal((await machine.run("startClient.sh", ["localhost", "5000"])).code, 7);
});

Deno.test("the scripts work through a symbolic link", async () => {
  await using machine = await Machine.make();
  await machine.script("tree/sealpost", printArguments);
  await Deno.symlink(`${machine.home}/tree/startServer.sh`, `${machine.home}/bin/chat`);
  const { out } = await machine.run("", ["5000"], `${machine.home}/bin/chat`);
  assert.equal(out, "[server][5000]\n");
});

Deno.test("Deno gets exact permissions: the server may start nothing, the client one shell", async () => {
  await using machine = await Machine.make();
  await machine.fakeDeno("2.4.0");
  const server = (await machine.run("startServer.sh", ["5000"])).out;
  const client = (await machine.run("startClient.sh", ["localhost", "5000"])).out;
  for (const out of [server, client]) {
    assert.match(out, /^\[run\].*\[--frozen\].*\[--no-prompt\]/);
    assert.match(out, /\[--allow-env=[A-Z]/);
    assert.doesNotMatch(out, /\[-A\]|allow-all|\[--allow-(env|run|ffi)\]/);
  }
  assert.doesNotMatch(server, /allow-run/);
  assert.match(client, /\[--allow-run=\/bin\/sh\]/);
  assert.match(server, /main\.ts\]\[server\]\[5000\]\n$/);
});

Deno.test("a Deno older than 2.4 is named and not used", async () => {
  await using machine = await Machine.make();
  for (const old of ["1.46.3", "2.3.7"]) {
    await machine.fakeDeno(old);
    const { code, err } = await machine.run("startServer.sh", ["5000"]);
    assert.equal(code, 2);
    assert.ok(err.includes(`is too old (${old})`), err);
  }
});

Deno.test("a Deno that does not say its version is not used", async () => {
  await using machine = await Machine.make();
  await machine.script("bin/deno", "exit 1");
  const { code, err } = await machine.run("startServer.sh", ["5000"]);
  assert.equal(code, 2);
  assert.match(err, /version unknown/);
});

Deno.test("Deno 3 counts as newer than 2.4, and 2.10 too", async () => {
  await using machine = await Machine.make();
  for (const version of ["3.0.0", "2.10.1"]) {
    await machine.fakeDeno(version);
    assert.equal((await machine.run("startServer.sh", ["5000"])).code, 0);
  }
});

Deno.test("without Deno it is installed by npm once, and two first starts at once do not disturb each other", async () => {
  await using machine = await Machine.make();
  await machine.fakeNpm(2);
  const both = await Promise.all([1, 2].map((n) => machine.run("startServer.sh", [`500${n}`])));
  for (const [index, { code, out, err }] of both.entries()) {
    assert.equal(code, 0, err);
    assert.match(err, /installing deno@2\.9\.6 with npm/);
    assert.match(out, new RegExp(`main\\.ts\\]\\[server\\]\\[500${index + 1}\\]\\n$`));
  }
  const cached = [...Deno.readDirSync(`${machine.home}/.cache/sealpost`)].map(({ name }) => name);
  assert.deepEqual(cached.filter((name) => name.startsWith("installing")), []);
  const third = await machine.run("startServer.sh", ["5003"]);
  assert.equal(third.err, "");
});

Deno.test("when npm cannot install Deno the script says so, leaves nothing and ends with 3", async () => {
  await using machine = await Machine.make();
  await machine.npm("exit 1");
  const { code, err } = await machine.run("startServer.sh", ["5000"]);
  assert.equal(code, 3);
  assert.match(err, /npm could not install deno/);
  const cached = [...Deno.readDirSync(`${machine.home}/.cache/sealpost`)].map(({ name }) => name);
  assert.deepEqual(cached, ["deno-2.9.6"]);
});

Deno.test("when the packages cannot be fetched the script says so and ends with 3", async () => {
  await using machine = await Machine.make();
  await machine.script(
    "bin/deno",
    `case $1 in --version) echo "deno 2.9.6";; eval) echo "$0";; install) exit 1;; esac`,
  );
  const { code, err } = await machine.run("startServer.sh", ["5000"]);
  assert.equal(code, 3);
  assert.match(err, /packages could not be fetched/);
});

Deno.test("a signal to the script ends the program itself, whose exit code is kept", async () => {
  await using machine = await Machine.make();
  await Deno.symlink(Deno.execPath(), `${machine.home}/bin/deno`);
  await Deno.writeTextFile(
    `${machine.home}/tree/main.ts`,
    `setInterval(() => {}, 60_000);
     Deno.addSignalListener("SIGTERM", () => Deno.exit(42));
     console.log(Deno.pid, ...Deno.args);`,
  );
  const child = machine.start("startServer.sh", ["5000"]);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  assert.equal(value, `${child.pid} server 5000\n`);
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 42);
  await reader.cancel();
  await child.stderr.cancel();
});

/** Bots and scripts out of one-shot commands of the executable: a home, a password file, exit codes; all at one server. */
import assert from "node:assert/strict";
import { Running } from "../kit/program.ts";
import { goodPassword, type Person, Town } from "../kit/story.ts";
import { compiledProgram, Empty } from "./executable.ts";

Deno.env.set("SEALPOST_BINARY", await compiledProgram());

/** Whoever has an account in a town before the story begins. */
interface Cast {
  readonly town: Town;
  readonly ann: Person;
  readonly bob: Person;
}

/** Longer than a bot takes to answer on a busy machine, in seconds. */
const patience = ["--timeout", "120"];

Deno.test("bots and scripts out of one-shot commands", async (t) => {
  await using town = await Town.make();
  const [ann, bob] = await Promise.all([town.resident("ann"), town.resident("bob")]);
  for (const [name, story] of stories) await t.step(name, () => story({ town, ann, bob }));
});

/** In their order: the lobby and the accounts stay. */
const stories: readonly [name: string, story: (cast: Cast) => Promise<void>][] = [
  ["a bot answers from a shell loop, with nothing in its environment but HOME", shellLoop],
  [
    "listen --exec hands each message to a command, and keeps it unread when that fails",
    handedOver,
  ],
  ["exit codes tell a script what happened", exitCodes],
  [
    "an invitation link answers the question of trust, and a wrong fingerprint stops everything",
    invitation,
  ],
];

/** A shell's script as a session of its own; whatever it has started ends with it. */
function shell(script: string, { folder, path }: { folder: string; path?: string }) {
  const running = Running.start(["/bin/sh", "-c", script], {
    home: folder,
    cwd: folder,
    file: "/usr/bin/setsid",
    bare: true,
    env: path === undefined ? {} : { PATH: path },
  });
  return {
    running,
    async [Symbol.asyncDispose]() {
      try {
        Deno.kill(-running.pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      await running.ended;
    },
  };
}

async function shellLoop({ town, ann }: Cast): Promise<void> {
  await using bot = await Empty.make();
  const env = { HOME: bot.folder };
  const once = (...args: string[]) => bot.run(["client", ...args], env);
  await Deno.writeTextFile(`${bot.folder}/pw`, `${goodPassword}\n`);

  const flags = ["--server", town.address, "--accept-new", "--password-file", "pw", "--remember"];
  const registered = await once("register", "bot", ...flags);
  assert.deepEqual(registered, {
    code: 0,
    out: "Created bot: 0 unread messages, 0 notifications\n",
    err: "",
  });
  assert.equal((await once("send", "#lobby", "the nightly build is green")).code, 0);

  // Waits for one message and answers it.
  await using greeter = shell(
    `./sealpost client listen --once --json |
     sed -n 's/.*"from":"\\([^"]*\\)".*/\\1/p' |
     while read -r name; do echo "hello $name" | ./sealpost client send "$name"; done`,
    bot,
  );
  await ann.lines(["send", "bot", "anybody there?", "--wait", "read", ...patience]);
  const { code, err } = await greeter.running.finish();
  assert.equal(code, 0, err);
  const [answer] = await ann.json(["read", "bot"]);
  assert.equal(answer?.["text"], "hello ann");

  // The bot of the README, as it stands there.
  await Deno.mkdir(`${bot.folder}/bin`);
  await Deno.symlink(bot.program, `${bot.folder}/bin/sealpost`);
  const path = `${bot.folder}/bin:${Deno.env.get("PATH") ?? ""}`;
  await using _ = shell(await readmeBot(), { folder: bot.folder, path });
  for (const [asked, said] of [["uptime", /load average/], ["hm?", /^I know one word: uptime$/]]) {
    await ann.lines(["send", "bot", String(asked), "--wait", "read", ...patience]);
    const [line] = await ann.json(["listen", "bot", "--once", ...patience]);
    assert.match(String(line?.["text"]), said as RegExp);
  }
}

/** The block of shell code behind the README's mark. */
async function readmeBot(): Promise<string> {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const code = /<!-- a bot;[^\n]*-->\s+```sh\n([^]*?)```/.exec(readme)?.[1];
  assert.ok(code !== undefined, "the README has lost its bot");
  return code;
}

async function handedOver({ ann, bob: bot }: Cast): Promise<void> {
  await ann.lines(["send", "bob", "one $(touch pwned) `touch pwned`"]);
  await ann.lines(["send", "bob", "two"]);
  const failed = await bot.once(["listen", "--exec", "exit 3"]);
  assert.equal(failed.code, 1);
  assert.match(failed.err, /^sealpost: The command ended with 3; its message stays unread\.$/);
  assert.equal((await bot.json(["unread", "ann"])).length, 2);
  const [first, ...none] = await bot.lines(["listen", "ann", "--once", "--exec", "cat"]);
  assert.equal(JSON.parse(first ?? "").text, "one $(touch pwned) `touch pwned`");
  assert.deepEqual(none, []);
  assert.deepEqual((await bot.json(["unread", "ann"])).map(({ text }) => text), ["two"]);
  // A command that does not read its input is fine too.
  assert.deepEqual(await bot.lines(["listen", "ann", "--once", "--exec", "echo seen"]), ["seen"]);
  const entries = [...Deno.readDirSync(bot.home)].map(({ name }) => name);
  assert.ok(!entries.includes("pwned"));
}

async function exitCodes({ town }: Cast): Promise<void> {
  await using home = await Empty.make();
  const env = { HOME: home.folder };
  const once = (...args: string[]) => home.run(["client", ...args], env);
  await Deno.writeTextFile(`${home.folder}/pw`, `${goodPassword}\n`);
  await Deno.writeTextFile(`${home.folder}/wrong`, "some other password 5\n");
  const at = ["--server", town.address];
  const expected: [number, string[]][] = [
    [2, ["send"]],
    [5, ["check", "cleo", ...at, "--no-input"]],
    [6, ["check", "cleo", ...at, "--accept-new"]],
    [0, ["register", "cleo", ...at, "--password-file", "pw"]],
    [4, ["register", "cleo", ...at, "--password-file", "pw"]],
    [4, ["users", "--no-input"]],
    [4, ["login", "cleo", "--password-file", "wrong"]],
    [0, ["login", "cleo", "--password-file", "pw", "--remember"]],
    [0, ["users"]],
    [6, ["send", "nobody", "hello"]],
    [6, ["key", "nobody"]],
    [7, ["send", "bob", "are you there?", "--wait", "read", "--timeout", "1"]],
    [3, ["users", "--server", "localhost:1", "--accept-new"]],
  ];
  for (const [code, args] of expected) {
    const ended = await once(...args);
    assert.equal(ended.code, code, `${args.join(" ")}: ${ended.err}`);
    if (code !== 0) assert.match(ended.err, /^sealpost: [^\n]+\n$/, args.join(" "));
  }
  await town.server.stop();
  assert.equal((await once("users")).code, 3);
  assert.equal((await once("history")).code, 0, "what is stored here needs no server");
  assert.equal((await once("send", "#lobby", "later", "--timeout", "1")).code, 7);
  await town.restart();
  assert.equal((await once("send", "#lobby", "now")).code, 0);
  const { out } = await once("history", "#lobby");
  assert.match(out, /later[^]*now/);
}

async function invitation({ town }: Cast): Promise<void> {
  await using home = await Empty.make();
  const link = `sealpost://localhost:${town.ready.port}/#${town.ready.fingerprint}`;
  const check = (server: string) =>
    home.run(["client", "check", "dora", "--server", server, "--no-input"], { HOME: home.folder });
  const wrong = await check(link.replace(/.$/, (digit) => digit === "0" ? "1" : "0"));
  assert.equal(wrong.code, 5, wrong.err);
  assert.equal((await check(link)).code, 6);
}

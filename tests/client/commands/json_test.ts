/** Every command with `--json` on a real server: each line that it prints is held against its schema. */
import assert from "node:assert/strict";
import { outputs } from "../../../client/commands/schemas/outputs.ts";
import { commandNames } from "../../../client/commands/program.ts";
import { command, type CommandOptions } from "../../kit/commands.ts";
import { PrintedLines } from "../../kit/json_lines.ts";
import { goodPassword, Town } from "../../kit/story.ts";
import { run } from "../../kit/program.ts";

const lines = new PrintedLines(outputs);
const checked = (text: string, of: string) => lines.read(text, of);

/** Commands that were run. */
const ran = new Set<string>();

/** Somebody at a machine. */
function at(home: string) {
  return async (
    args: readonly string[],
    options: Partial<CommandOptions> & { code?: number } = {},
  ) => {
    const { code: wanted = 0, ...more } = options;
    const { code, out, err } = await command([...args, "--json"], { home, ...more });
    ran.add(args[0] ?? "");
    assert.equal(code, wanted, `${args.join(" ")}: ${err}`);
    if (code !== 0) checked(err.split("\n").at(-1) ?? "", args.join(" "));
    return checked(out, args.join(" "));
  };
}

Deno.test("whatever --json prints is what its schema says, for every command", async (t) => {
  await using town = await Town.make({ flags: ["--consent", "all"] });
  const homes = ["ann", "bob"].map((name) => `${town.folder}/${name}`);
  for (const home of homes) await Deno.mkdir(home);
  const [ann, bob] = homes.map(at);
  assert.ok(ann !== undefined && bob !== undefined);
  const password = ["--password-file", town.passwordFile];
  const first = ["--server", town.address, "--accept-new", "--remember", ...password];

  await t.step("accounts", async () => {
    await ann(["check", "ann", "--server", town.address, "--accept-new"], { code: 6 });
    assert.equal((await ann(["register", "ann", ...first]))[0]?.["created"], true);
    await bob(["register", "bob", ...first]);
    assert.equal((await ann(["login", "ann", ...password]))[0]?.["created"], false);
    assert.equal((await ann(["check", "BOB"]))[0]?.["exists"], true);
    assert.equal((await ann(["users", "--all"])).length, 2);
    await ann(["key"]);
    const [key] = await ann(["key", "bob"]);
    await ann(["verify", "bob", "--digits", String(key?.["safetyNumber"])]);
    await ann(["verify", "bob", "--digits", "12345"], { code: 2 });
    await ann(["directory"]);
    await ann(["directory", "trust", "--yes"]);
    await ann(["doctor"]);
  });

  await t.step("messages", async () => {
    await ann(["send", "bob", "hello"]);
    await bob(["unread"]);
    await bob(["group", "accept", "ann"]);
    const [greeting] = await bob(["read", "ann"]);
    assert.equal(greeting?.["text"], "hello");
    const sent = await ann(["send", "bob", "--lines"], { input: "one\ntwo\r\n\nthree" });
    assert.deepEqual(sent.map(({ text }) => text), ["one", "two", "three"]);
    const [one, two] = sent.map(({ id }) => String(id));
    assert.ok(one !== undefined && two !== undefined);
    await bob(["react", one, "👍"]);
    await ann(["edit", one, "one!"]);
    await ann(["delete", two]);
    // The deletion is here, too, before anything is handed out.
    await bob(["unread"]);
    const exec = ["listen", "ann", "--once", "--exec", "cat >/dev/null"];
    await bob(exec);
    const done = new Set<string>();
    const [last, ...more] = await bob(["listen", "ann", "--timeout", "1"], {
      timeIsUp: (event) => {
        if (event.kind === "caught_up") done.add("everything is here");
        if (event.kind === "changed" && event.message.read) done.add(event.message.text);
        return done.has("everything is here") && done.has("three");
      },
    });
    assert.deepEqual([last?.["text"], more], ["three", []]);
    await bob(["listen", "--once", "--timeout", "1"], {
      code: 6,
      timeIsUp: ({ kind }) => kind === "caught_up",
    });
    await bob(["send", "ann", "yes", "--reply-to", one]);
    await ann(["history", "bob", "--grep", "^(one|yes)"]);
    await ann(["expire", "bob", "1h"]);
    await ann(["expire", "bob"]);
    await ann(["rekey", "bob"]);
    await ann(["notifications", "--all"]);
    await ann(["export", "bob"]);
    await ann(["send", "nobody", "hello?"], { code: 6 });
    assert.deepEqual(await ann(["history", "nobody"]), [], "what was for nobody does not stay");
  });

  await t.step("receipts", async () => {
    const receipts = `${town.folder}/receipts`;
    await ann(["export", "--signed", "-o", receipts]);
    await ann(["export", "--signed", "-o", receipts], { code: 8 });
    checked((await Deno.readTextFile(receipts)).trimEnd(), "export --signed");
    const judged = await run(["verify", receipts, "--json"], { home: town.folder });
    assert.equal(judged.code, 0, judged.err);
    assert.ok(checked(judged.out, "verify").every(({ valid }) => valid === true));
    await Deno.writeTextFile(receipts, "nothing\n", { append: true });
    const spoilt = await run(["verify", receipts, "--json"], { home: town.folder });
    assert.equal(spoilt.code, 1);
    assert.equal(checked(spoilt.out, "verify").at(-1)?.["valid"], false);
    for (const word of ["paths", "version"]) {
      const { out } = await run([word, "--json"], { home: town.folder });
      assert.equal(checked(out, word).length, 1);
    }
  });

  await t.step("groups and files", async () => {
    await ann(["group", "create", "team", "bob"]);
    await bob(["group", "list"]);
    assert.equal((await bob(["group", "members", "team"])).length, 2);
    const path = `${town.folder}/plan.txt`;
    await Deno.writeTextFile(path, "the plan");
    await ann(["file", "send", "#team", path]);
    const [offer] = await bob(["file", "list"]);
    assert.equal(offer?.["state"], "offered");
    const [saved] = await bob(["file", "get", "1"]);
    assert.equal(await Deno.readTextFile(String(saved?.["path"])), "the plan");
    await ann(["file", "send", "#team", path]);
    await bob(["file", "decline", "2"]);
    await bob(["block", "ann"]);
    await bob(["blocked"]);
    await bob(["unblock", "ann"]);
  });

  await t.step("archive, devices and password", async () => {
    await ann(["archive"]);
    await ann(["archive", "off", "bob"]);
    const [device] = await ann(["devices"]);
    const id = String(device?.["device"]).slice(0, 8);
    assert.equal((await ann(["devices", "rename", id, "robot"]))[0]?.["label"], "robot");
    await ann(["devices", "revoke", id], { code: 4 });
    const next = `${town.folder}/next`;
    await Deno.writeTextFile(next, "wide pebble heron 31\n");
    await ann(["password", ...password, "--new-password-file", next]);
    await ann(["logout"]);
    await ann(["users", "--no-input"], { code: 4 });
    await ann(["password", "--password-stdin"], {
      input: `wide pebble heron 31\n${goodPassword}\n`,
    });
    await ann(["users", "--password-stdin"], { input: `${goodPassword}\n` });
  });

  await t.step("that was every command, and every kind of object", () => {
    // rpc has a test of its own, and help prints none.
    const others = ["rpc", "help"];
    assert.deepEqual(commandNames.filter((name) => !ran.has(name) && !others.includes(name)), []);
    // conversation is an object of rpc alone.
    assert.deepEqual(Object.keys(outputs).filter((type) => !lines.printed.has(type)), [
      "conversation",
    ]);
  });
});

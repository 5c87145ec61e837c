import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Person, Town } from "../../kit/story.ts";
import { serverCommand } from "../../kit/server_commands.ts";

/** Registers by a link, or by an address; the password is the good one. */
async function register(person: Person, server: string) {
  const flags = ["--accept-new", "--remember", "--password-file", person.town.passwordFile];
  return await person.once(["register", person.name, "--server", server, ...flags]);
}

Deno.test("with registration by invitation nobody gets in without a link, and a link lets in as many as it says", async (t) => {
  await using town = await Town.make({ flags: ["--registration", "invite"] });
  const admin = (...args: string[]) => serverCommand(args, { home: town.folder });
  const invite = async (...flags: string[]) => {
    const { code, out, err } = await admin("invite", "--json", ...flags);
    strictEqual(code, 0, err);
    return JSON.parse(out);
  };
  /** The link as it is used from this machine. */
  const here = (link: string) => link.replace(/\/\/[^/]+\//, `//${town.address}/`);

  await t.step("without one: exit code 4, and what to do", async () => {
    const { code, err } = await register(await town.person("sam"), town.address);
    strictEqual(code, 4);
    match(err, /new accounts by invitation: ask its operator for a link/);
  });

  const first = await invite("--note", "for sam");
  await t.step("a link is good once", async () => {
    strictEqual(first.needed, true);
    const made = await register(await town.person("sam"), here(first.link));
    strictEqual(made.code, 0, made.err);
    const again = await register(await town.person("erik"), here(first.link));
    strictEqual(again.code, 4);
    match(again.err, /used up, has expired or was withdrawn/);
  });

  await t.step("or as often as it says, and who is in needs none any more", async () => {
    const { link } = await invite("--uses", "2");
    for (const name of ["erik", "kim"]) {
      const made = await register(await town.person(name), here(link));
      strictEqual(made.code, 0, made.err);
    }
    strictEqual((await register(await town.person("pat"), here(link))).code, 4);
    const sam = await town.person("sam");
    const login = ["login", "sam", "--server", town.address, "--accept-new"];
    strictEqual((await sam.once([...login, "--password-file", town.passwordFile])).code, 0);
  });

  await t.step("the list shows what can still be used, and one can be withdrawn", async () => {
    const { link } = await invite("--note", "to be withdrawn");
    const [open, ...others] = (await admin("invite", "list", "--json")).out.split("\n")
      .map((line) => JSON.parse(line));
    deepStrictEqual([open.note, open.left, others.length], ["to be withdrawn", 1, 0]);
    strictEqual((await admin("invite", "revoke", "zzzz")).code, 6);
    strictEqual((await admin("invite", "revoke", open.id)).code, 0);
    strictEqual((await register(await town.person("pat"), here(link))).code, 4);
    match((await admin("invite", "list")).out, /No invitation is open/);
  });

  await t.step("no token is in the data folder", async () => {
    const token = /invite=([\w-]{22})/.exec(first.link)?.[1] ?? "";
    ok(token.length === 22);
    for (const name of ["sealpost.db", "sealpost.db-wal", "server.log"]) {
      const text = new TextDecoder("latin1").decode(await Deno.readFile(`${town.data}/${name}`));
      ok(!text.includes(token), name);
    }
  });
});

Deno.test("the operator lists accounts, and shuts one out and in again", async (t) => {
  await using town = await Town.make();
  const admin = (...args: string[]) => serverCommand(args, { home: town.folder });
  const [erik, sam] = [await town.resident("erik"), await town.resident("sam")];

  await t.step("the list", async () => {
    await using online = await sam.online();
    const users = (await admin("user", "list", "--json")).out.split("\n")
      .map((line) => JSON.parse(line));
    deepStrictEqual(
      users.map(({ name, online, disabled, devices }) => [name, online, disabled, devices]),
      [["erik", false, false, 1], ["sam", true, false, 1]],
    );
    match((await admin("user", "list")).out, /^sam +online, since \d{4}-\d\d-\d\d, 1 device$/m);
    await online.finish();
  });
  await t.step(
    "disabled: the session ends, and neither logging in nor writing to it works",
    async () => {
      await using online = await sam.online();
      strictEqual((await admin("user", "disable", "SAM")).code, 0);
      await online.waitForRemark(/Disconnected: this account is disabled/);
      const login = await sam.once(["users"]);
      strictEqual(login.code, 4);
      match(login.err, /disabled/);
      strictEqual((await erik.once(["send", "sam", "are you there?"])).code, 6);
      match((await admin("user", "list")).out, /^sam +DISABLED/m);
    },
  );
  await t.step("enabled: as before", async () => {
    strictEqual((await admin("user", "enable", "sam")).code, 0);
    await erik.lines(["send", "sam", "welcome back"]);
    deepStrictEqual((await sam.json(["read"])).map(({ text }) => text), ["welcome back"]);
  });
  await t.step("deleted: nobody is asked without a terminal, so it has to be said", async () => {
    const { code, err } = await admin("user", "delete", "sam");
    strictEqual(code, 2);
    match(err, /--yes/);
  });
  await t.step("deleted: it is told so, and others carry on with what they have", async () => {
    await sam.lines(["group", "create", "team", "erik"]);
    await sam.lines(["send", "#team", "before"]);
    await erik.lines(["read"]);
    await using online = await sam.online();
    const { code, out, err } = await admin("user", "delete", "Sam", "--yes", "--json");
    strictEqual(code, 0, err);
    const { type, name, groups, direct, files } = JSON.parse(out);
    deepStrictEqual([type, name, groups, direct, files], ["user_deleted", "sam", 1, 1, 0]);
    await online.waitForRemark(/Disconnected: this account was deleted by the server's operator/);
    const refused = await sam.once(["unread"]);
    strictEqual(refused.code, 4);
    match(refused.err, /account sam was deleted.*name cannot be used again.*until you remove it/);
    strictEqual((await erik.once(["send", "sam", "are you there?"])).code, 6);
    await erik.lines(["send", "#team", "after"]);
    const members = await erik.json(["group", "members", "team"]);
    deepStrictEqual(members.map(({ name }) => name), ["erik"]);
    const texts = (await erik.json(["history", "#team"])).map(({ text }) => text);
    deepStrictEqual(texts.filter((text) => text === "before" || text === "after"), [
      "before",
      "after",
    ]);
    const other = await town.person("other");
    const flags = ["--server", town.address, "--accept-new", "--password-file", town.passwordFile];
    const taken = await other.once(["register", "sam", ...flags]);
    strictEqual(taken.code, 4);
    match(taken.err, /already taken/);
    const login = await other.once(["login", "sam", ...flags]);
    strictEqual(login.code, 4);
    match(login.err, /deleted by the server's operator/);
    match((await admin("user", "list")).out, /^sam +DELETED on \d{4}-\d\d-\d\d/m);
  });
  await t.step("a name that nobody has", async () => {
    const { code, err } = await admin("user", "disable", "nobody");
    strictEqual(code, 6);
    match(err, /there is no account "nobody"/);
  });
});

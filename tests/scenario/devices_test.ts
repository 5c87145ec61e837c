/** One account on two machines, of which one is lost. */
import assert from "node:assert/strict";
import { goodPassword, Person, Town } from "../kit/story.ts";

Deno.test("a lost machine is taken out of its account, and can neither read nor send any more", async (t) => {
  await using town = await Town.make();
  const erik = await town.resident("erik");
  const sam = await town.resident("sam");
  const laptop = await town.person("erik");
  const flags = ["--server", town.address, "--accept-new", "--remember"];

  await sam.lines(["send", "erik", "before the laptop"]);
  assert.deepEqual(await texts(erik), ["before the laptop"]);
  // A command that ends gives what is still to be archived half a second only; this one waits for it.
  await erik.lines(["archive"]);

  await t.step("the password alone brings the account to a second machine", async () => {
    const [session] = await laptop.json([
      "login",
      "erik",
      ...flags,
      "--password-file",
      town.passwordFile,
    ]);
    assert.equal(session?.["name"], "erik");
    assert.equal(session?.["created"], false);
  });

  await t.step("the first machine is told of it", async () => {
    const notifications = await erik.json(["notifications"]);
    assert.ok(notifications.some(({ kind }) => kind === "device_added"));
  });

  await t.step("what was said before is there too", async () => {
    assert.deepEqual(await texts(laptop), ["before the laptop"]);
    const [status] = await laptop.json(["archive"]);
    assert.deepEqual([status?.["have"], status?.["total"], status?.["complete"]], [1, 1, true]);
  });

  await t.step("both get what is sent from now on", async () => {
    await sam.lines(["send", "erik", "to both machines"]);
    assert.deepEqual(await texts(erik), ["before the laptop", "to both machines"]);
    assert.deepEqual(await texts(laptop), ["before the laptop", "to both machines"]);
  });

  await t.step("a device is called something else, on all devices", async () => {
    const [here] = (await laptop.json(["devices"])).filter(({ current }) => current);
    await laptop.lines(["devices", "rename", String(here?.["device"]), "old laptop 💻"]);
    const labels = (await erik.json(["devices", "list"])).map(({ label }) => label);
    assert.equal(labels[1], "old laptop 💻");
    const { code } = await erik.once(["devices", "rename", String(here?.["device"]), "a\u001bb"]);
    assert.notEqual(code, 0);
  });

  let lost = "";
  await t.step("the list of devices says which is this one", async () => {
    const devices = await erik.json(["devices"]);
    assert.equal(devices.length, 2);
    const other = devices.find(({ current }) => current === false);
    lost = String(other?.["device"]);
    const [here] = (await laptop.json(["devices"])).filter(({ current }) => current);
    assert.equal(here?.["device"], lost);
  });

  await t.step("a slip removes nothing: too short, unknown, or this very device", async () => {
    const [here] = (await erik.json(["devices"])).filter(({ current }) => current);
    for (
      const [id, code] of [
        ["abc", 6],
        ["AAAAAAAAAA", 6],
        // A key may begin with a dash; it is no flag.
        ["-AAAAAAAAA", 6],
        ["--AAAAAAAA", 2],
        [String(here?.["device"]), 4],
      ] as const
    ) {
      assert.equal((await erik.once(["devices", "revoke", id])).code, code, id);
    }
    assert.equal((await erik.once(["devices", "revoke"])).code, 2);
    assert.equal((await laptop.once(["users"])).code, 0);
  });

  await t.step(
    "removed, it is refused with the reason, and what is sent does not reach it",
    async () => {
      await using chat = await erik.online();
      await chat.waitForRemark("Removed", await chat.type(`/devices revoke ${lost.slice(0, 8)}`));
      await chat.waitForLine("(removed)", await chat.type("/devices"));
      assert.equal((await chat.finish()).code, 0);
      await sam.lines(["send", "erik", "not for the finder of the laptop"]);
      for (const args of [["send", "sam", "I am erik"], ["unread"], ["users"]]) {
        const { code, out, err } = await laptop.once(args);
        assert.equal(code, 4, `${args}: ${err}`);
        assert.equal(out, "");
        assert.match(err, /^sealpost: [^\n]*removed[^\n]*$/);
      }
      const stored = await laptop.once(["history", "sam", "--json"]);
      assert.ok(!stored.out.includes("finder"));
      assert.equal((await texts(erik)).at(-1), "not for the finder of the laptop");
      assert.ok(!(await sam.lines(["history"])).some((line) => line.includes("I am erik")));
    },
  );

  await t.step("a chat on a new machine says what is unread when it knows that", async () => {
    const tablet = await town.person("erik");
    await using chat = tablet.chat("--user", "erik");
    await chat.waitForRemark("Password");
    await chat.type(goodPassword);
    const asked = chat.err.length;
    await chat.waitForRemark(/^\d+ unread messages?: sam \d+\.$/);
    await chat.waitForLine("sam: @erik before the laptop");
    const [greeting] = chat.err.slice(asked).filter((line) => /^You are/.test(line));
    assert.match(greeting ?? "", /^You are erik on test\. Your history is on its way\. \/help/);
    assert.equal((await chat.finish()).code, 0);
  });
});

async function texts(person: Person): Promise<unknown[]> {
  return (await person.json(["history", "sam"])).map(({ text }) => text);
}

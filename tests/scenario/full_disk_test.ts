import assert from "node:assert/strict";
import { SmallDisk } from "../kit/small_disk.ts";
import { copyFolder, type Person, Town } from "../kit/story.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Texts of a conversation as its one side has them. */
async function textsOf(person: Person): Promise<unknown[]> {
  const messages = await person.json(["history", "erik", "-n", "50"]);
  return messages.filter(({ type }) => type === "message").map(({ text }) => text);
}

/** A disk that is really full: a file system of a few MiB, which only root may mount. */
const ignore = !SmallDisk.isAllowed();

Deno.test({
  name: "a disk that is full, at the server and at the client (needs the right to mount)",
  ignore,
  async fn(t) {
    using disk = SmallDisk.mount(16);
    using downloads = SmallDisk.mount(3);
    assert.ok(disk !== undefined && downloads !== undefined);
    await using town = await Town.make({ folder: disk.path });
    const [erik, sam] = [await town.resident("erik"), await town.resident("sam")];
    const big = `${town.folder}/big.txt`;
    const content = "0123456789abcdef".repeat(100_000);
    await Deno.writeTextFile(big, content);
    await erik.lines(["send", "sam", "taken before"]);

    await t.step(
      "the server's: nothing more is taken, with a reason, and it goes on running",
      async () => {
        await using chat = await erik.online();
        await using other = await sam.online();
        disk.fill();
        await chat.type("@sam written while it is full");
        await chat.waitForRemark(
          /the server cannot store anything just now: what you write waits here/,
        );
        const sent = await erik.late(
          ["send", "sam", "from a script", "--timeout", "2"],
          (event) =>
            event.kind === "connection" && event.state.kind === "offline" &&
            /cannot store anything/.test(event.state.reason),
        );
        assert.equal(sent.code, 7, sent.err);
        assert.match(
          sent.err,
          /^sealpost: Not sent .*: the server cannot store anything just now\./m,
        );
        disk.empty();
        // Without anybody's doing: the chat window itself gets through.
        await other.waitForLine(/erik: @sam written while it is full/);
      },
    );

    await t.step(
      "with room again everything that was taken is there, and what waited comes",
      async () => {
        await erik.lines(["send", "sam", "taken after"]);
        assert.deepEqual(await textsOf(sam), [
          "taken before",
          "written while it is full",
          "from a script",
          "taken after",
        ]);
      },
    );

    await t.step("a file for which there is no room leaves nothing, and goes later", async () => {
      disk.fill(1024 * 1024);
      const refused = await erik.once(["file", "send", "sam", big]);
      assert.equal(refused.code, 1, refused.err);
      assert.match(refused.err, /the server cannot store anything just now/);
      assert.deepEqual(names(`${town.data}/files`), []);
      await erik.lines(["send", "sam", "a text has room"]);
      disk.empty();
      await erik.lines(["file", "send", "sam", big]);
      assert.equal(names(`${town.data}/files`).length, 1);
    });

    await t.step(
      "the receiver's: said, nothing left over, and saved once there is room",
      async () => {
        const path = `${downloads.path}/big.txt`;
        const [offered] = await sam.json(["file", "list"]);
        const get = ["file", "get", String(offered?.["id"]), "-o", path];
        downloads.fill(1024 * 1024);
        const refused = await sam.once(get);
        assert.equal(refused.code, 8, refused.err);
        assert.match(
          refused.err,
          /The disk is full: nothing was saved in .*\. Make room and try again\.$/m,
        );
        assert.deepEqual(names(downloads.path), ["ballast"]);
        downloads.empty();
        await sam.lines(get);
        assert.equal(await Deno.readTextFile(path), content);
        assert.deepEqual(names(downloads.path), ["big.txt"]);
        await Deno.remove(path);
      },
    );

    await t.step(
      "the profile's: nothing is sent that is not kept, and nothing of it breaks",
      async () => {
        const home = `${downloads.path}/erik`;
        await copyFolder(erik.home, home);
        const moved: Person = Object.assign(Object.create(Object.getPrototypeOf(erik)), erik, {
          home,
        });
        downloads.fill();
        const sent = await moved.once(["send", "sam", "never said"]);
        assert.equal(sent.code, 8, sent.err);
        assert.match(sent.err, /the disk is full or does not take what is written to it/);
        downloads.empty();
        await moved.lines(["send", "sam", "said in the end"]);
        const texts = await textsOf(sam);
        assert.deepEqual(texts.slice(-2), ["[file] big.txt (1.5 MiB)", "said in the end"]);
      },
    );
  },
});

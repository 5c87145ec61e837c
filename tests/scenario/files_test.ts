import assert from "node:assert/strict";
import { FaultProxy } from "../client/engine/proxy.ts";
import { Running } from "../kit/program.ts";
import { filesWith, type Person, Town, untilSo } from "../kit/story.ts";

const MiB = 1024 * 1024;

/** Bytes that no two files share, with a marker in the clear. */
function contentOf(size: number, marker: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65_536)));
  }
  bytes.set(new TextEncoder().encode(marker));
  return bytes;
}

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toString();

/** Percentages that a command has printed. */
const percents = (lines: readonly string[]) =>
  lines.flatMap((line) => / (\d+) %$/.exec(line)?.[1] ?? []).map(Number);

const start = ({ home }: Person, ...args: string[]) => Running.start(["client", ...args], { home });

/** Resolves when the command says that it has got to this tenth. */
const reaches = (running: Running, percent: number) =>
  running.waitForRemark(new RegExp(` ${percent} %$`));

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("files by one-shot commands and in the chat, whoever is killed meanwhile", async (t) => {
  await using town = await Town.make({ flags: ["--file-types", "+dat"] });
  const [erik, sam] = [await town.resident("erik"), await town.resident("sam")];
  await sam.lines(["unread"]);
  const marker = "a marker that must not be seen anywhere";
  const content = contentOf(24 * MiB, marker);
  const path = `${town.folder}/plan \u{1f4c4}.dat`;
  await Deno.writeFile(path, content);
  const data = `${town.data}/files`;
  // Whoever comes over it stands still in the middle, however fast or slow the machine is. Later commands come over it too:
  // the last address is remembered.
  await using line = await FaultProxy.start(town.ready.port);
  const over = ["--server", `localhost:${line.port}`];

  await t.step(
    "a sender that is killed goes on where the server stands, and announces once",
    async () => {
      line.stallAfter = 12 * MiB;
      await using first = start(erik, "file", "send", "sam", path, ...over);
      await reaches(first, 40);
      await first.stop("SIGKILL");
      line.cutNow();
      line.flow();
      assert.equal(names(data).length, 1);
      await using second = start(erik, "file", "send", "sam", path, "--json");
      const { code, out, err } = await second.finish();
      assert.equal(code, 0, err);
      const [begun = 0] = percents(err.split("\n"));
      assert.ok(begun >= 20, err);
      const sent = JSON.parse(out);
      assert.deepEqual([sent.v, sent.type, sent.name, sent.size, sent.from, sent.own], [
        1,
        "file",
        "plan \u{1f4c4}.dat",
        content.length,
        "erik",
        true,
      ]);
      assert.deepEqual(percents(err.split("\n")).at(-1), 100);
      assert.ok(percents(err.split("\n")).length <= 11, err);
    },
  );

  const [offered] = await sam.json(["file", "list"]);
  const id = String(offered?.["id"]);
  await t.step("a receiver that is killed goes on from what it had", async () => {
    assert.deepEqual([offered?.["name"], offered?.["state"], offered?.["from"]], [
      "plan \u{1f4c4}.dat",
      "offered",
      "erik",
    ]);
    line.stallAfter = 12 * MiB;
    await using first = start(sam, "file", "get", id, ...over);
    await reaches(first, 40);
    await first.stop("SIGKILL");
    line.cutNow();
    line.flow();
    const downloads = `${sam.home}/downloads`;
    assert.deepEqual(names(downloads).map((name) => name.endsWith(".part")), [true]);
    assert.deepEqual((await sam.json(["file", "list"]))[0]?.["state"], "partial");
    await using second = start(sam, "file", "get", id);
    const { code, out, err } = await second.finish();
    assert.equal(code, 0, err);
    assert.ok((percents(err.split("\n"))[0] ?? 0) >= 30, err);
    assert.equal(out.trim(), `${downloads}/plan \u{1f4c4}.dat`);
    assert.deepEqual(names(downloads), ["plan \u{1f4c4}.dat"]);
    assert.equal(await sha256(await Deno.readFile(out.trim())), await sha256(content));
    assert.equal((await sam.json(["file", "list"])).length, 1);
  });

  await t.step(
    "a server that is killed in the midst of it costs neither side anything but time",
    async () => {
      const again = `${town.folder}/again.dat`;
      await Deno.writeFile(again, content);
      line.stallAfter = 12 * MiB;
      await using sending = start(erik, "file", "send", "sam", again, ...over);
      await reaches(sending, 30);
      await town.server.stop("SIGKILL");
      line.flow();
      await town.restart({ flags: ["--file-types", "+dat"] });
      const sent = await sending.finish();
      assert.equal(sent.code, 0, sent.err);
      line.stallAfter = 12 * MiB;
      const copy = ["-o", `${town.folder}/copy.dat`];
      await using saving = start(sam, "file", "get", "2", ...copy, ...over);
      await reaches(saving, 30);
      await town.server.stop("SIGKILL");
      line.flow();
      await town.restart({ flags: ["--file-types", "+dat"] });
      const saved = await saving.finish();
      assert.equal(saved.code, 0, saved.err);
      assert.equal(
        await sha256(await Deno.readFile(`${town.folder}/copy.dat`)),
        await sha256(content),
      );
      // Where the server was away when it was to be told, it is told at the next connection.
      await untilSo(async () => {
        await sam.lines(["file", "list"]);
        return names(data).length === 0;
      }, "the server has no file any more");
    },
  );

  await t.step("exit codes say what is wrong, and nothing is left over", async () => {
    const code = async (who: Person, ...args: string[]) => {
      const ended = await who.once(["file", ...args]);
      assert.match(ended.err, /^sealpost: [^\n]+$/m);
      return ended.code;
    };
    await Deno.writeTextFile(`${town.folder}/tool.exe`, "MZ");
    await Deno.writeTextFile(`${town.folder}/small.txt`, "small");
    assert.equal(await code(erik, "send", "sam", `${town.folder}/none.dat`), 6);
    assert.equal(await code(erik, "send", "sam", town.folder), 2);
    assert.equal(await code(erik, "send", "sam", `${town.folder}/tool.exe`), 4);
    assert.equal(await code(erik, "send", "nobody", `${town.folder}/small.txt`), 6);
    assert.equal(await code(erik, "send", "#lobby", `${town.folder}/small.txt`), 4);
    assert.equal(await code(erik, "send", "sam"), 2);
    assert.equal(await code(sam, "get", "99"), 6);
    assert.equal(await code(sam, "get", "1"), 6);
    assert.equal(await code(sam, "get", "1", "-o", `${town.folder}/copy.dat`), 8);
    assert.equal(await code(sam, "get", "1", "-o", `${town.folder}/no/where`), 6);
    assert.deepEqual(names(`${sam.home}/downloads`), ["plan \u{1f4c4}.dat"]);
  });

  await t.step("in the chat: /file, /files, /save; a script waits for each", async () => {
    await using chat = await erik.online();
    await chat.type(`/file @sam '${town.folder}/small.txt'`);
    await chat.waitForRemark(/^sending small\.txt 100 %$/);
    await chat.type("/files sam");
    await chat.waitForLine(/to sam {2}small\.txt \(5 B\)$/);
    await using other = await sam.online();
    await other.waitForLine(/erik: @sam \[file\] small\.txt \(5 B\)$/);
    await other.type("/save");
    await other.waitForRemark(/^Saved .*\/small\.txt \(5 B\)\.$/);
    await other.type("/save 77");
    await other.waitForRemark(/There is no file 77/);
    assert.equal(await Deno.readTextFile(`${sam.home}/downloads/small.txt`), "small");
  });

  await t.step(
    "neither content nor name of a file is anywhere at the server, nor in a profile",
    async () => {
      const secret = `${town.folder}/quite-a-secret-name.txt`;
      await Deno.writeTextFile(secret, marker);
      await erik.lines(["file", "send", "sam", secret]);
      await sam.lines(["file", "list"]);
      for (const text of [marker, "quite-a-secret-name", "plan "]) {
        assert.deepEqual(await filesWith(town.data, text), [], text);
        for (const { home } of [erik, sam]) {
          assert.deepEqual(
            await filesWith(`${home}/client`, text),
            [],
          );
        }
      }
      assert.equal(names(data).length, 1);
    },
  );

  await t.step("the user's own list wins over the operator's, for what one takes", async () => {
    await Deno.writeTextFile(`${sam.home}/client.json`, '{"fileTypes":"-txt"}');
    const refused = await sam.process(["file", "get", "4"]);
    assert.deepEqual([refused.code, /type \.txt, which is not allowed/.test(refused.err)], [
      4,
      true,
    ]);
    const [declined] = await sam.json(["file", "decline", "4"]);
    assert.equal(declined?.["state"], "declined");
    await Deno.writeTextFile(`${sam.home}/client.json`, '{"fileTypes":"-txt,"');
    assert.equal((await sam.process(["file", "get", "4"])).code, 2);
  });
});

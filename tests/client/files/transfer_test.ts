import assert from "node:assert/strict";
import type { Engine, EngineEvent } from "../../../client/engine/api.ts";
import type { FileProgress } from "../../../client/engine/api_files.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { fileLimits } from "../../../lib/base/limits.ts";
import { nextEvent, patience } from "../engine/kit.ts";
import { FaultProxy } from "../engine/proxy.ts";
import { Village } from "../engine/village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  }
  return bytes;
}

/** A folder of its own with a file in it. */
async function fileIn(village: Village, name: string, bytes: Uint8Array): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: village.folder });
  await Deno.writeFile(`${folder}/${name}`, bytes);
  return `${folder}/${name}`;
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const atServer = (village: Village) => names(`${village.server.data}/files`);

/** Waits until the server has deleted everything: it does so right after it has answered. */
async function nothingAtServer(village: Village): Promise<void> {
  const late = performance.now() + 60_000;
  while (atServer(village).length > 0) {
    assert.ok(performance.now() < late, "files stay at the server");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The one file message in the engine's list with that name. */
async function offered(engine: Engine, name: string) {
  await engine.caughtUp(patience());
  const info = (await engine.files.list()).findLast((one) => one.name === name);
  assert.ok(info, `no file ${name}`);
  return info;
}

async function code(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  if (thrown instanceof AppError) return thrown.code;
  assert.ok(thrown instanceof ExitError, String(thrown));
  return thrown.reason;
}

Deno.test("files between two people", async (t) => {
  await using village = await Village.make();
  const alice = await village.online("alice");
  const facts = await village.device("bobby");
  await village.briefly(facts);
  const saved = await Deno.makeTempDir({ dir: village.folder });
  const place = { kind: "folder", path: saved } as const;
  const big = randomBytes(5 * fileLimits.chunkBytes + 77);
  const path = await fileIn(village, "r\u00e9sum\u00e9 \u{1f600}.bin", big);

  await t.step(
    "what an allow-list does not name is not sent, and nothing reaches the server",
    async () => {
      assert.equal(await code(alice.files.send({ target: to("bobby"), path })), "notAllowed");
      assert.equal(
        await code(alice.files.send({ target: { kind: "lobby" }, path })),
        "not_permitted_now",
      );
      assert.equal(
        await code(alice.files.send({ target: to("bobby"), path }, { types: "*" })),
        "notAllowed",
      );
      assert.deepEqual((await alice.files.rules()).used, 0);
      const hidden = await fileIn(village, "photo.png", new TextEncoder().encode("MZ not a photo"));
      assert.equal(
        await code(alice.files.send({ target: to("bobby"), path: hidden })),
        "notAllowed",
      );
    },
  );

  const text = await fileIn(village, "r\u00e9sum\u00e9 \u{1f600}.txt", big);
  await t.step(
    "a file waits for somebody who is away, is fetched, checked and saved for its owner alone",
    async () => {
      const progress: FileProgress[] = [];
      const { id } = await alice.files.send({ target: to("bobby"), path: text }, {
        onProgress: (one) => progress.push(one),
      });
      assert.deepEqual(progress.at(-1), { done: big.length, total: big.length });
      await alice.waitFor(id, "sent", patience());
      assert.deepEqual(await alice.files.unfinished(), []);
      assert.equal(atServer(village).length, 1);
      const bobby = await village.open(facts, { receive: true });
      const info = await offered(bobby, "r\u00e9sum\u00e9 \u{1f600}.txt");
      assert.deepEqual([info.from, info.size, info.type, info.own, info.state.kind], [
        "alice",
        big.length,
        "txt",
        false,
        "offered",
      ]);
      const [line] = await bobby.unread(to("alice"));
      assert.equal(line?.text, "[file] r\u00e9sum\u00e9 \u{1f600}.txt (1.3 MiB)");
      assert.deepEqual(line?.file?.size, big.length);
      const got = await bobby.files.get({ id: info.id, place });
      assert.equal(got.path, `${saved}/r\u00e9sum\u00e9 \u{1f600}.txt`);
      assert.deepEqual(await Deno.readFile(got.path), big);
      assert.equal(((await Deno.stat(got.path)).mode ?? 0) & 0o777, 0o600);
      assert.deepEqual(got.info.state, { kind: "saved", path: got.path });
      assert.deepEqual(names(saved), ["r\u00e9sum\u00e9 \u{1f600}.txt"]);
      await bobby.stop();
    },
  );

  const bobby = await village.open(facts, { receive: true });
  await t.step("when everybody has it, the server has it no longer, and says so", async () => {
    await nothingAtServer(village);
    const info = await offered(bobby, "r\u00e9sum\u00e9 \u{1f600}.txt");
    assert.equal(await code(bobby.files.get({ id: info.id, place })), "not_found");
    assert.equal(names(saved).length, 1);
  });

  await t.step(
    "empty files, and files of exactly a chunk or two, arrive; nothing is ever replaced",
    async () => {
      const full = fileLimits.chunkBytes - 16;
      await Deno.writeTextFile(`${saved}/n.txt`, "was here before");
      const expected = ["n.txt", "n (1).txt", "n (2).txt", "n (3).txt"];
      for (const [at, size] of [0, full, 2 * full].entries()) {
        const path = await fileIn(village, "n.txt", randomBytes(size).map((byte) => byte | 1));
        const { id } = await alice.files.send({ target: to("bobby"), path });
        await alice.waitFor(id, "delivered", patience());
        const got = await bobby.files.get({ id, place });
        assert.equal(got.path, `${saved}/${expected[at + 1]}`);
        assert.deepEqual(await Deno.readFile(got.path), await Deno.readFile(path));
      }
      assert.equal(await Deno.readTextFile(`${saved}/n.txt`), "was here before");
    },
  );

  await t.step("wrong paths have clear errors, before anything is sent", async () => {
    const folder = village.folder;
    const send = (path: string) => code(alice.files.send({ target: to("bobby"), path }));
    assert.equal(await send(`${folder}/nothing.txt`), "notFound");
    assert.equal(await send(`${text}/below.txt`), "notFound");
    assert.equal(await send(folder), "usage");
    assert.equal(await send("/dev/null"), "usage");
    if (Deno.uid() !== 0) {
      const secret = await fileIn(village, "secret.txt", randomBytes(3));
      await Deno.chmod(secret, 0);
      assert.equal(await send(secret), "localData");
    }
    const large = await fileIn(village, "large.txt", new Uint8Array());
    await Deno.truncate(large, fileLimits.fileBytes + 1);
    assert.equal(await send(large), "notAllowed");
    const { id } = await offered(bobby, "n.txt");
    const get = (path: string) => code(bobby.files.get({ id, place: { kind: "file", path } }));
    assert.equal(await get(`${saved}/n.txt`), "localData");
    assert.equal(await get(`${saved}/none/n.txt`), "notFound");
    assert.equal(await get(`${folder}/none/`), "notFound");
    assert.equal(await code(bobby.files.get({ id: crypto.randomUUID(), place })), "not_found");
  });

  await t.step("an upload that was stopped goes on where the server stands", async () => {
    const path = await fileIn(village, "long.txt", randomBytes(24 * 1024 * 1024).map((b) => b | 1));
    const stop = new AbortController();
    const first = alice.files.send({ target: to("bobby"), path }, {
      signal: stop.signal,
      onProgress: ({ done }) => done > 12 * 1024 * 1024 && stop.abort(new Error("stopped")),
    });
    await assert.rejects(first, /stopped/);
    assert.equal((await alice.files.unfinished())[0]?.path, await Deno.realPath(path));
    const progress: number[] = [];
    const { id } = await alice.files.send({ target: to("bobby"), path }, {
      onProgress: ({ done }) => progress.push(done),
    });
    assert.ok((progress[0] ?? 0) >= 8 * 1024 * 1024, String(progress[0]));
    await alice.waitFor(id, "delivered", patience());
    assert.deepEqual(await alice.files.unfinished(), []);
    assert.equal((await bobby.files.list()).filter(({ name }) => name === "long.txt").length, 1);
  });

  await t.step("a download that was stopped goes on from its part, and leaves none", async () => {
    const { id } = await offered(bobby, "long.txt");
    const stop = new AbortController();
    const first = bobby.files.get({ id, place }, {
      signal: stop.signal,
      onProgress: ({ done }) => done > 12 * 1024 * 1024 && stop.abort(new Error("stopped")),
    });
    await assert.rejects(first, /stopped/);
    assert.equal((await offered(bobby, "long.txt")).state.kind, "partial");
    assert.equal(names(saved).filter((name) => name.startsWith(".sealpost-")).length, 1);
    const progress: number[] = [];
    const { path } = await bobby.files.get({ id, place }, {
      onProgress: ({ done }) => progress.push(done),
    });
    assert.ok((progress[0] ?? 0) >= 12 * 1024 * 1024, String(progress[0]));
    assert.equal((await Deno.stat(path)).size, 24 * 1024 * 1024);
    assert.equal(names(saved).filter((name) => name.startsWith(".")).length, 0);
  });

  await t.step(
    "after the line has broken a transfer goes on with the next connection, however long its pause",
    async () => {
      await using proxy = await FaultProxy.start(village.pinned.port);
      // Pauses of days: nothing that only waits one out comes to an end here.
      const options = { port: proxy.port, random: () => 1e6 };
      const dora = await village.online("dora", options);
      const cutOnce = () => {
        let cut = false;
        return {
          signal: patience(),
          onProgress: () => {
            if (!cut) proxy.cutNow();
            cut = true;
          },
        };
      };
      const path = await fileIn(village, "broken line.txt", big);
      const { id } = await dora.files.send({ target: to("bobby"), path }, cutOnce());
      await fileArrived(bobby, id);
      const other = await bobby.files.send({ target: to("dora"), path });
      await fileArrived(dora, other.id);
      const got = await dora.files.get({ id: other.id, place }, cutOnce());
      assert.deepEqual(await Deno.readFile(got.path), big);
      await bobby.files.decline(id);
      await nothingAtServer(village);
      await dora.stop();
    },
  );

  await t.step(
    "a file that changes while it is sent is noticed, given up and not announced",
    async () => {
      const path = await fileIn(
        village,
        "moving.txt",
        randomBytes(9 * 1024 * 1024).map((b) => b | 1),
      );
      let changed = false;
      const sent = alice.files.send({ target: to("bobby"), path }, {
        onProgress: ({ done }) => {
          if (changed || done < 1024 * 1024) return;
          changed = true;
          Deno.writeTextFileSync(path, "more", { append: true });
        },
      });
      assert.equal(await code(sent), "failed");
      assert.deepEqual(await alice.files.unfinished(), []);
      await nothingAtServer(village);
      assert.ok(!(await alice.files.list()).some(({ name }) => name === "moving.txt"));
    },
  );

  await t.step(
    "what a thief or the server changed is refused, and nothing of it is saved",
    async () => {
      const path = await fileIn(village, "true.txt", big);
      const { id } = await alice.files.send({ target: to("bobby"), path });
      await alice.waitFor(id, "delivered", patience());
      const [stored = ""] = atServer(village);
      const there = `${village.server.data}/files/${stored}`;
      const bytes = await Deno.readFile(there);
      assert.equal(indexOf(bytes, big.subarray(1000, 1032)), -1);
      bytes[3 * fileLimits.chunkBytes] = (bytes[3 * fileLimits.chunkBytes] ?? 0) ^ 1;
      await Deno.writeFile(there, bytes);
      const before = names(saved);
      assert.equal(await code(bobby.files.get({ id, place })), "tampered");
      assert.deepEqual(names(saved), before);
      await Deno.writeFile(there, bytes.subarray(0, 4 * fileLimits.chunkBytes));
      assert.equal(await code(bobby.files.get({ id, place })), "tampered");
      assert.deepEqual(names(saved), before);
    },
  );

  await t.step("whoever does not want a file says so, and it goes", async () => {
    const { id } = await offered(bobby, "true.txt");
    await bobby.files.decline(id);
    assert.equal((await offered(bobby, "true.txt")).state.kind, "declined");
    await nothingAtServer(village);
  });
});

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  return new TextDecoder("latin1").decode(bytes)
    .indexOf(new TextDecoder("latin1").decode(wanted));
}

Deno.test("a file to a group reaches everybody in it, goes when all have it, and not to who was removed", async () => {
  await using village = await Village.make();
  const alice = await village.online("alice");
  const bobby = await village.online("bobby");
  const carol = await village.online("carol");
  const { name } = await alice.groups.create("team", ["bobby", "carol"]);
  const target = { kind: "group", name } as const;
  const saved = await Deno.makeTempDir({ dir: village.folder });
  const place = { kind: "folder", path: saved } as const;
  const path = await fileIn(village, "plan.txt", randomBytes(1000).map((byte) => byte | 1));
  const { id } = await alice.files.send({ target, path });
  for (const engine of [bobby, carol]) {
    await fileArrived(engine, id);
    await engine.files.get({ id, place });
  }
  await nothingAtServer(village);
  assert.deepEqual(names(saved), ["plan (1).txt", "plan.txt"]);
  assert.deepEqual(await Deno.readFile(`${saved}/plan (1).txt`), await Deno.readFile(path));
  await alice.groups.remove(target, ["carol"]);
  const next = await alice.files.send({ target, path });
  await fileArrived(bobby, next.id);
  assert.equal((await carol.files.list()).length, 1);
  assert.equal((await bobby.files.list({ kind: "group", name })).length, 2);
});

/** Resolves when the message of that file is here. */
function fileArrived(engine: Engine, id: string): Promise<unknown> {
  const fits = (event: EngineEvent) => event.kind === "message" && event.message.id === id;
  return nextEvent(engine, fits, { after: 0, what: `file ${id}` });
}

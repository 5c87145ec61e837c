/** A server that is put back to a backup, while its clients' conversations have gone on. */
import assert from "node:assert/strict";
import type { Engine, Target } from "../../../client/engine/api.ts";
import { run } from "../../kit/program.ts";
import { TestServer } from "../../kit/server.ts";
import { type DeviceFacts, message, patience, shown } from "./kit.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;
const group = (name: string) => ({ kind: "group", name }) as const;

/** The village with its server as a backup has it; whatever ran there has ended. */
async function putBack(village: Village, backup: string): Promise<void> {
  const { port } = village.server.ready;
  await village.server.stop("SIGKILL");
  const home = `${village.folder}/restored-${crypto.randomUUID()}`;
  await Deno.mkdir(home);
  const { code, err } = await run(["server", "restore", backup], { home });
  assert.equal(code, 0, err);
  village.server = await TestServer.start({ home, port });
}

async function takeBackup(village: Village): Promise<string> {
  const file = `${village.folder}/${crypto.randomUUID()}.backup`;
  const { code, err } = await run(["server", "backup", file], { home: village.folder });
  assert.equal(code, 0, err);
  return file;
}

/** Waits until these are the texts of a conversation, in whatever order: what could not be read at first comes once more. */
async function reads(engine: Engine, target: Target, expected: readonly string[]): Promise<void> {
  const wanted = [...expected].sort();
  const late = patience();
  for (;;) {
    const changed = Promise.withResolvers<void>();
    const stop = engine.subscribe(() => changed.resolve());
    late.addEventListener("abort", () => changed.resolve());
    const lines = await engine.history({ target });
    const texts = lines.filter(({ kind }) => kind !== "notice").map(({ text }) => text).sort();
    const done = texts.join() === wanted.join();
    if (done || late.aborted) {
      stop();
      return assert.deepEqual(texts, wanted, engine.self.name);
    }
    await changed.promise;
    stop();
  }
}

Deno.test("a conversation of two whose keys went on after the backup finds together again, whoever comes first", async () => {
  await using village = await Village.make();
  const facts = { alice: await village.device("alice"), bobby: await village.device("bobby") };
  await village.briefly(facts.bobby);
  let [alice, bobby] = [await village.open(facts.alice), await village.open(facts.bobby)];
  const first = await alice.send(to("bobby"), "before");
  await message(bobby, "before");
  const backup = await takeBackup(village);
  await alice.rekey(to("bobby"));
  await bobby.rekey(to("alice"));
  await alice.send(to("bobby"), "after");
  await message(bobby, "after");
  await bobby.send(to("alice"), "after, from bobby");
  await message(alice, "after, from bobby");
  await bobby.stop();
  // What the server takes now and forgets nobody has got.
  for (
    const { id } of [
      await alice.content.react(first.id, "👍"),
      await alice.content.edit(first.id, "before all"),
    ]
  ) {
    await alice.content.settled(id, patience());
  }
  await alice.stop();
  await putBack(village, backup);

  bobby = await village.open(facts.bobby);
  await bobby.send(to("alice"), "is somebody there?");
  for (let round = 0; round < 3; round++) await bobby.rekey(to("alice"));
  await bobby.send(to("alice"), "hello?");
  alice = await village.open(facts.alice);
  await message(alice, "is somebody there?");
  await message(alice, "hello?");
  await alice.send(to("bobby"), "here I am");
  await message(bobby, "here I am");
  await alice.waitFor((await alice.send(to("bobby"), "still")).id, "delivered", patience());
  const all = [
    "after",
    "after, from bobby",
    "before all",
    "hello?",
    "here I am",
    "is somebody there?",
  ];
  for (const [engine, name] of [[alice, "bobby"], [bobby, "alice"]] as const) {
    await reads(engine, to(name), [...all, "still"]);
  }
  // The edit and the reaction are said once more, each by itself.
  await shown(
    bobby,
    ({ edited, reactions = [] }) =>
      edited === true && reactions.some(({ emoji }) => emoji === "👍"),
    "the line that was edited, with its reaction",
  );
});

Deno.test("a group of three goes on too, twice from the same backup, with one who was away all the time", async () => {
  await using village = await Village.make();
  const facts: DeviceFacts[] = [];
  for (const name of ["alice", "bobby", "carol"]) facts.push(await village.device(name));
  // Whoever was away comes first, so that what others send once more finds everybody there.
  const open = async () => {
    const opened: Engine[] = [];
    for (const each of facts.toReversed()) opened.unshift(await village.open(each));
    return opened;
  };
  const close = (all: readonly Engine[]) => Promise.all(all.map((each) => each.stop()));
  let all = await open();
  await all[0]?.groups.create("team", ["bobby", "carol"]);
  await all[0]?.send(group("team"), "before");
  for (const each of all) await message(each, "before");
  await all[2]?.stop();
  const backup = await takeBackup(village);
  for (let round = 0; round < 3; round++) await all[round % 2]?.rekey(group("team"));
  await all[1]?.send(group("team"), "after");
  const { ts: saidAt } = await message(all[0]!, "after");
  await close(all);
  const said = ["after", "before"];
  for (let restored = 0; restored < 2; restored++) {
    const restoredAt = Date.now();
    await putBack(village, backup);
    all = await open();
    for (const [at, each] of all.entries()) {
      await each.rekey(group("team"));
      const text = `round ${restored} from ${at}`;
      await each.send(group("team"), text);
      for (const one of all) await message(one, text);
      said.push(text);
    }
    // Given once more by the restored server, it is shown with the time at which it was said.
    const once = await message(all[2]!, "after");
    assert.ok(once.ts <= saidAt && once.ts < restoredAt, `${once.ts} ${saidAt} ${restoredAt}`);
    for (const each of all) {
      const { name, members } = await each.groups.info(group("team"));
      assert.deepEqual([name, members.length], ["team", 3]);
      if (restored === 0) await reads(each, group("team"), said);
    }
    await close(all);
  }
});

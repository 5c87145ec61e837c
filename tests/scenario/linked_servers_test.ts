/** Two linked servers with a person on each: who is there, their keys, and a lobby that both share. */
import assert from "node:assert/strict";
import { command, type CommandOptions } from "../kit/commands.ts";
import { run } from "../kit/program.ts";
import { goodPassword, untilSo } from "../kit/story.ts";
import { TempFolder } from "../kit/folder.ts";
import { House, linkHouses } from "../server/federation/kit.ts";

/** Somebody with an account on one of the servers. */
class Person implements AsyncDisposable {
  readonly #home: TempFolder;

  private constructor(home: TempFolder) {
    this.#home = home;
  }

  static async register(name: string, house: House): Promise<Person> {
    const home = await TempFolder.make();
    await Deno.writeTextFile(`${home.path}/pw`, `${goodPassword}\n`);
    const person = new Person(home);
    const flags = ["--server", house.link, "--password-file", `${home.path}/pw`, "--remember"];
    const { code, err } = await person.client("register", name, ...flags);
    assert.equal(code, 0, err);
    return person;
  }

  async client(...args: string[]) {
    return await command(args, { home: this.#home.path });
  }

  /** The same; the time of `--timeout` is up after this event. */
  async late(timeIsUp: NonNullable<CommandOptions["timeIsUp"]>, ...args: string[]) {
    return await command(args, { home: this.#home.path, timeIsUp });
  }

  /** What a command prints, one object a line. */
  async json(...args: string[]): Promise<Record<string, unknown>[]> {
    const { code, out, err } = await this.client(...args, "--json");
    assert.equal(code, 0, err);
    return out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** The lobby as it is shown: who said what. */
  async lobby(): Promise<string[]> {
    return (await this.json("history", "#lobby")).map(({ from, text }) => `${from}: ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#home[Symbol.asyncDispose]();
  }
}

Deno.test("people of two linked servers find each other and share a lobby", async (t) => {
  await using mill = await House.start("mill", "--lobby-peers");
  await using office = await House.start("office", "--lobby-peers");
  await using sam = await Person.register("sam", mill);
  await using rae = await Person.register("rae", office);
  await linkHouses(mill, office);

  await t.step("everybody is listed under an address", async () => {
    const names = (await rae.json("users", "--all")).map(({ name, server }) => [name, server]);
    assert.deepEqual(names, [["rae", undefined], ["sam@mill", "mill"]]);
  });
  await t.step("keys come with a proof of their own server, and with a safety number", async () => {
    const [key] = await rae.json("key", "sam@mill");
    const [own] = await sam.json("key");
    const [other] = await sam.json("key", "rae@office");
    assert.equal(key?.["fingerprint"], own?.["fingerprint"]);
    assert.equal(key?.["safetyNumber"], other?.["safetyNumber"]);
    assert.equal(key?.["state"], "unverified");
  });
  await t.step("what is posted here is read there, verified", async () => {
    assert.equal((await sam.client("send", "#lobby", "hello from the mill")).code, 0);
    await settled(mill);
    assert.deepEqual(await rae.lobby(), ["sam@mill: hello from the mill"]);
    assert.equal((await rae.client("send", "#lobby", "hello from the office")).code, 0);
    await settled(office);
    assert.deepEqual(await sam.lobby(), [
      "sam: hello from the mill",
      "rae@office: hello from the office",
    ]);
  });
  await t.step(
    "what is posted while the other server is away arrives when it is back",
    async () => {
      await office.kill();
      for (const text of ["one", "two", "three"]) await sam.client("send", "#lobby", text);
      assert.equal((await mill.peers())[0]?.queued, 3);
      const linked = mill.says(/peer linked/);
      await office.again();
      await linked;
      await settled(mill);
      assert.deepEqual((await rae.lobby()).slice(-3), [
        "sam@mill: one",
        "sam@mill: two",
        "sam@mill: three",
      ]);
    },
  );
  await t.step(
    "what came before the other server went away is read by whoever comes later",
    async () => {
      await using zoe = await Person.register("zoe", mill);
      assert.equal((await zoe.client("send", "#lobby", "goodbye")).code, 0);
      await settled(mill);
      await using newcomer = await Person.register("newcomer", office);
      const linked = office.says(/peer linked/);
      await mill.kill();
      assert.equal((await newcomer.lobby()).at(-1), "zoe@mill: goodbye");
      await mill.again();
      await linked;
    },
  );
  await t.step("scripts write across, wait, and are told how far a message has got", async () => {
    const [sent] = await sam.json("send", "RAE@Office", "hello rae", "--wait", "reached");
    assert.deepEqual([sent?.["state"], sent?.["relay"], sent?.["conversation"]], [
      "sent",
      { kind: "reached" },
      "rae@office",
    ]);
    const [asked] = await rae.json("unread", "sam@mill");
    assert.deepEqual([asked?.["from"], asked?.["text"], asked?.["request"]], [
      "sam@mill",
      "hello rae",
      true,
    ]);
    assert.equal((await rae.client("group", "accept", "sam@mill")).code, 0);
    assert.equal((await rae.client("send", "sam@mill", "hello sam")).code, 0);
    const [answer] = await sam.json("read", "rae@office");
    assert.deepEqual([answer?.["from"], answer?.["text"]], ["rae@office", "hello sam"]);
    const { out } = await sam.client("history", "rae@office", "--utc");
    assert.match(out, / sam: @rae@office hello rae\n.* rae@office: @sam hello sam\n?$/);
    const receipts = `${office.home.path}/receipts`;
    assert.equal((await rae.client("export", "sam@mill", "--signed", "-o", receipts)).code, 0);
    const proved = await run(["verify", receipts], { home: office.home.path });
    assert.equal(proved.code, 0, proved.err);
    assert.match(proved.out, /sam.*hello rae/s);
    assert.equal((await rae.client("block", "sam@mill")).code, 0);
    assert.equal((await rae.json("blocked"))[0]?.["name"], "sam@mill");
    assert.equal((await rae.client("unblock", "SAM@mill")).code, 0);
  });
  await t.step("what cannot be: in one line, with its exit code", async () => {
    const refused = async (person: Person, ...args: string[]) => {
      const { code, err } = await person.client(...args);
      return `${code} ${err.split("\n").filter((line) => line !== "").at(-1)}`;
    };
    assert.match(await refused(rae, "key", "nobody@mill"), /^6 .*no such user/);
    assert.match(await refused(rae, "check", "nobody@mill"), /^6 .*no account nobody@mill there/);
    assert.equal((await rae.json("check", "sam@mill"))[0]?.["exists"], true);
    assert.match(await refused(rae, "key", "sam@nowhere"), /^6 .*no server of that name is linked/);
    assert.match(await refused(rae, "send", "nobody@mill", "hi"), /^6 .*no such user/);
    assert.match(await refused(rae, "send", "sam@nowhere", "hi"), /^6 .*no server of that name/);
    assert.match(await refused(rae, "send", "sam@", "hi"), /^2 /);
    assert.match(await refused(rae, "send", "rae@office", "hi"), /^6 /);
    await mill.kill();
    assert.match(await refused(rae, "key", "somebody@mill"), /^3 .*cannot be reached just now/);
    const late = await rae.late(
      (event) => event.kind === "changed" && event.message.away === "mill",
      ...["send", "sam@mill", "are you there?", "--timeout", "2"],
    );
    assert.equal(late.code, 7);
    assert.match(late.err, /the server mill cannot be reached just now.*stays in the queue/s);
    assert.equal((await rae.json("history", "sam@mill")).at(-1)?.["away"], "mill");
    const linked = office.says(/peer linked/);
    await mill.again();
    await linked;
    assert.equal((await rae.client("send", "sam@mill", "again", "--wait", "reached")).code, 0);
    const all = (await sam.json("read", "rae@office")).map(({ text }) => text);
    assert.deepEqual(all, ["are you there?", "again"]);
    await mill.kill();
    // Whom it was asked about lately is still known.
    assert.match(await refused(rae, "key", "sam@mill"), /^3 |^0 /);
  });
});

/** Until nothing waits for the other server. */
async function settled(house: House): Promise<void> {
  await untilSo(
    async () => (await house.peers()).every(({ queued }) => queued === 0),
    `the outbox of ${house.name} is empty`,
  );
}

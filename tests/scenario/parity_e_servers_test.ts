/**
 * Parity story E, what a "secure chat protocol" could do across servers: three server processes, each with its own data
 * folder and port, a person with a client at each; links made by hand and by themselves, cut and healed on the way.
 */
import assert from "node:assert/strict";
import { FaultProxy } from "../client/engine/proxy.ts";
import { TempFolder } from "../kit/folder.ts";
import { command, jsonOf } from "../kit/commands.ts";
import { Running } from "../kit/program.ts";
import { goodPassword } from "../kit/story.ts";
import { House, linkHouses } from "../server/federation/kit.ts";

/** Somebody on one of the servers, with a window that stays open. */
class Person implements AsyncDisposable {
  readonly name: string;
  readonly home: TempFolder;
  readonly chat: Running;

  private constructor(name: string, home: TempFolder, chat: Running) {
    this.name = name;
    this.home = home;
    this.chat = chat;
  }

  static async at(house: House, name: string): Promise<Person> {
    const home = await TempFolder.make();
    await Deno.writeTextFile(`${home.path}/pw`, `${goodPassword}\n`);
    const password = ["--password-file", `${home.path}/pw`];
    const flags = ["--server", house.link, ...password, "--remember"];
    const { code, err } = await command(["register", name, ...flags], { home: home.path });
    assert.equal(code, 0, err);
    const chat = Running.start(["client", "--utc", "--user", name], { home: home.path });
    const person = new Person(name, home, chat);
    await chat.waitForRemark(/^You are /);
    return person;
  }

  /** Types lines; the moment before. */
  types(...lines: string[]) {
    return this.chat.type(...lines);
  }

  /** Waits for a line that ends so, whenever it comes. */
  async sees(...ends: string[]): Promise<void> {
    for (const end of ends) await this.chat.waitForLine(end);
  }

  /** What a command of its own prints, one object a line. */
  async json(...args: string[]): Promise<Record<string, unknown>[]> {
    return await jsonOf(args, { home: this.home.path });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.chat[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }
}

/** The texts that a person has in the group, in order. */
async function told(person: Person): Promise<unknown[]> {
  const rows = await person.json("history", "#crew");
  return rows.filter(({ kind }) => kind === "text").map(({ text }) => text)
    .filter((text) => !String(text).startsWith("[file]"));
}

Deno.test("parity E: users, groups and files of three linked servers", async (t) => {
  await using mill = await House.start("mill", "--peers", "open");
  await using office = await House.start("office");
  await using yard = await House.start("yard");
  await using relay = await FaultProxy.start(mill.server.ready.port);
  const [ann, bob, yan] = await Promise.all([
    Person.at(mill, "ann"),
    Person.at(office, "bob"),
    Person.at(yard, "yan"),
  ]);
  await using _ann = ann;
  await using _bob = bob;
  await using _yan = yan;

  await t.step("servers are linked by keys given beforehand, and by themselves", async () => {
    await linkHouses(mill, office);
    await linkHouses(office, yard);
    const linked = [mill, yard].map((house) => house.says(/peer linked/));
    // Nobody has told the mill of the yard; the yard trusts whoever answers at the address.
    await yard.ask("peer.add", { address: `127.0.0.1:${relay.port}`, name: "mill" });
    await Promise.all(linked);
    const pins = async (house: House) =>
      (await house.peers()).map(({ name, pin }) => `${name}: ${pin}`);
    assert.deepEqual(await pins(mill), ["office: fingerprint", "yard: incoming"]);
    assert.deepEqual(await pins(yard), ["mill: contact", "office: fingerprint"]);
  });

  await t.step("who is online on all servers, by name and address", async () => {
    const asked = await ann.types("/users");
    const lines = [];
    for (const name of [/^ann \(you\) {2}online/, /^bob@office {2}online/, /^yan@yard {2}online/]) {
      lines.push(await ann.chat.waitForLine(name, asked));
    }
    for (const line of lines) assert.match(line, /10\.8\.\d{1,3}\.\d{1,3}/);
    const users = await yan.json("users", "--all");
    assert.deepEqual(users.map(({ name }) => name), ["yan", "ann@mill", "bob@office"]);
    assert.equal(users.every(({ online, addresses }) => online && String(addresses) !== ""), true);
  });

  await t.step("messages between users of two servers, with what became of them", async () => {
    await ann.types("@bob@office good morning");
    await bob.sees("ann@mill: @bob good morning");
    await bob.chat.waitForRemark(/ann@mill/, await bob.types("/accept ann@mill"));
    await bob.types("@ann@mill good morning, mill");
    await ann.sees("bob@office: @ann good morning, mill");
    const sent = ann.json("send", "bob@office", "did you read thsi?", "--wait", "read");
    await bob.sees("ann@mill: @bob did you read thsi?");
    await bob.types("/read", "/read", "/read");
    assert.equal((await sent).at(-1)?.["state"], "read");
    await ann.types("/to bob@office", "/edit did you read this?");
    await bob.chat.waitForRemark("is now: did you read this?");
  });

  await t.step(
    "a user who is not there, and a server that is not linked, are told apart",
    async () => {
      const send = (to: string) => command(["send", to, "hello"], { home: ann.home.path });
      const [nobody, nowhere] = [await send("nobody@office"), await send("bob@moon")];
      assert.deepEqual([nobody.code, nowhere.code], [6, 6]);
      assert.match(nobody.err, /no such user/);
      assert.match(nowhere.err, /no server of that name/);
    },
  );

  await t.step("a group with members on all three servers", async () => {
    await ann.chat.waitForRemark(
      "#crew",
      await ann.types("/group create crew bob@office yan@yard"),
    );
    // She has never written to anybody at the mill: she is asked.
    await yan.sees("#crew ann@mill added you");
    await yan.chat.waitForRemark(/#crew/, await yan.types("/accept #crew"));
    await ann.types("#crew from the mill");
    await Promise.all([bob, yan].map((each) => each.sees("from the mill")));
    await bob.types("#crew from the office");
    await yan.types("#crew from the yard");
    await ann.sees("from the office", "from the yard");
    await bob.sees("from the yard");
    await yan.sees("from the office");
    const members = await yan.json("group", "members", "crew");
    assert.deepEqual(members.map(({ name, role }) => `${name} ${role}`).sort(), [
      "ann@mill owner",
      "bob@office member",
      "yan member",
    ]);
  });

  await t.step("files go to a user and to a group of other servers", async () => {
    const [plan, photo] = [`${ann.home.path}/plan é.txt`, `${yan.home.path}/crew.png`];
    const bytes = new TextEncoder().encode("the weir is to be mended\n".repeat(20_000));
    await Deno.writeFile(plan, bytes);
    await Deno.writeFile(photo, new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 7]));
    await ann.json("file", "send", "bob@office", plan);
    await yan.json("file", "send", "#crew", photo);
    for (
      const [person, name, whole] of [
        [bob, "plan é.txt", bytes],
        [bob, "crew.png", await Deno.readFile(photo)],
        [ann, "crew.png", await Deno.readFile(photo)],
      ] as const
    ) {
      await person.sees(name);
      const found = (await person.json("file", "list")).find((file) => file["name"] === name);
      const out = `${person.home.path}/out`;
      await Deno.mkdir(out, { recursive: true });
      await person.json("file", "get", String(found?.["id"]), "-o", out);
      assert.deepEqual(await Deno.readFile(`${out}/${name}`), whole);
    }
  });

  await t.step(
    "links that are cut and a server that is killed lose and double nothing",
    async () => {
      // The mill orders the group; the office dies, and the yard's line breaks while both talk.
      const missed = mill.says(/peer link ended/);
      await office.kill();
      await missed;
      await ann.types("#crew a1", "#crew a2");
      relay.cutNow();
      await yan.types("#crew y1", "#crew y2");
      await bob.types("#crew b1", "#crew b2");
      await ann.types("#crew a3");
      relay.cutNow();
      await yan.sees("ann@mill: #crew a3");
      await ann.sees("yan@yard: #crew y2");
      await office.again();
      await Promise.all([
        ann.sees("bob@office: #crew b2"),
        yan.sees("bob@office: #crew b2"),
        bob.sees("ann@mill: #crew a3", "yan@yard: #crew y2"),
      ]);
      const all = await Promise.all([ann, bob, yan].map(told));
      const texts = [
        ["from the mill", "from the office", "from the yard"],
        ["a1", "a2", "a3", "b1", "b2", "y1", "y2"],
      ].flat();
      for (const each of all) assert.deepEqual(each.toSorted(), texts.toSorted());
    },
  );

  await t.step("nothing that was written lies readable on any of the three", async () => {
    for (const house of [mill, office, yard]) {
      for await (const { name } of Deno.readDir(house.server.data)) {
        const path = `${house.server.data}/${name}`;
        if (!(await Deno.stat(path)).isFile) continue;
        const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
        for (const marker of ["from the office", "weir is to be"]) {
          assert.equal(text.includes(marker), false, `${path}: ${marker}`);
        }
      }
    }
  });
});

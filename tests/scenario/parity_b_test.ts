/**
 * Parity story B: everything that a "secure messaging application" (store and forward with signatures) could do, row by
 * row, with a real server and real clients.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { flipped, hostileClient } from "../kit/hostile.ts";
import { run } from "../kit/program.ts";
import { filesWith, goodPassword, type Person, Town } from "../kit/story.ts";

Deno.test("parity B: store and forward with signatures that hold before others", async (t) => {
  await using town = await Town.make();
  const erik = await town.person("erik");

  await t.step(
    "REGISTER stores no password, not even a hash of it that could be tried against words",
    async () => {
      await erik.register();
      assert.deepEqual(await filesWith(town.data, goodPassword), []);
      const [record] = query(town, "SELECT record FROM accounts");
      assert.match(String(record?.["record"]), /^[A-Za-z0-9_-]{100,}$/);
    },
  );

  const sam = await town.resident("sam");
  const texts = ["the first", "the second", "the third"];
  await t.step("COMPOSE takes the recipient, then the message", async () => {
    await using chat = await sam.online();
    for (const text of texts) {
      const after = await chat.type("/compose", "erik", text);
      await chat.waitForRemark("Text:", after);
    }
    assert.equal((await chat.finish()).code, 0);
    assert.deepEqual((await sam.json(["history", "erik"])).map(({ text }) => text), texts);
  });

  await t.step("LOGIN answers the number of unread messages", async () => {
    const [session] = await erik.json(["login", "erik", "--password-file", town.passwordFile]);
    assert.equal(session?.["unread"], 3);
  });

  await t.step(
    "the interactive client says the number of unread messages before its prompt",
    async () => {
      await using chat = await erik.online();
      assert.match(await chat.waitForRemark(/^You are erik/), /3 unread messages: sam 3\./);
    },
  );

  await t.step(
    "READ takes the earliest unread message, and the next time the next one",
    async () => {
      for (const text of texts.slice(0, 2)) {
        await using chat = await erik.online();
        const after = await chat.type("/read");
        assert.match(await chat.waitForLine(/ sam: @erik /, after), new RegExp(`@erik ${text}$`));
        assert.equal((await chat.finish()).code, 0);
      }
      const unread = await erik.json(["unread"]);
      assert.deepEqual(unread.map(({ text }) => text), ["the third"]);
    },
  );

  await t.step("the server deletes a message once the devices it was for have it", () => {
    assert.deepEqual(query(town, "SELECT message FROM log WHERE message IS NOT NULL"), []);
  });

  await t.step("READ with nothing unread says so", async () => {
    await erik.lines(["read"]);
    await using chat = await erik.online();
    await chat.waitForLine("No Messages Yet", await chat.type("/read"));
  });

  await t.step(
    "each frame that the server sends carries its signature, and it verifies",
    async () => {
      const client = await hostileClient(await town.pinned());
      const question = { type: "account.check", id: 1, name: "erik" };
      await client.write(client.encode(JSON.stringify([question])));
      // `receive` throws when the signature over session, direction, counter and bytes does not hold.
      const [reply] = await client.receive() ?? [];
      assert.deepEqual(reply?.message, { type: "account.check.ok", id: 1, exists: true });
      client.close();
    },
  );

  await tampering(t, town);
  await receipts(t, { sam, erik });
  await clearErrors(t, sam);
});

/** Asks the server's own database, as a thief of its disk could. */
function query(town: Town, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(`${town.data}/sealpost.db`, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

async function tampering(t: Deno.TestContext, town: Town) {
  const question = JSON.stringify([{ type: "account.check", id: 1, name: "erik" }]);
  const server = await town.pinned();

  /** Positions of a bit that was turned on the way: in the text, in the signature's last byte. */
  for (const at of [20, -1]) {
    await t.step(
      `a message tampered with at byte ${at}: the server says so, logs it, and drops the connection`,
      async () => {
        const client = await hostileClient(server);
        const before = town.server.mark();
        await client.write(flipped(client.encode(question), at));
        assert.equal(await client.refusal(), "tampered");
        await town.server.waitForRemark(/warning session failed .*code=tampered/, before);
        const log = await Deno.readTextFile(`${town.data}/server.log`);
        assert.match(log, /"level":"warning","event":"session_failed",.*"code":"tampered"/);
        client.close();
      },
    );
  }

  await t.step(
    "a message sent twice, or out of its order, is treated as tampered with",
    async () => {
      for (const counter of [0, 2]) {
        const client = await hostileClient(server);
        await client.write(client.encode(question, [], { counter }));
        assert.equal(await client.refusal(), "tampered");
        client.close();
      }
    },
  );

  await t.step("a message of another session is treated as tampered with", async () => {
    const [one, other] = [await hostileClient(server), await hostileClient(server)];
    await one.write(one.encode(question, [], { sessionId: other.sessionId }));
    assert.equal(await one.refusal(), "tampered");
    [one, other].forEach((client) => client.close());
  });

  await t.step("the others have not noticed any of it", async () => {
    const client = await hostileClient(server);
    await client.write(client.encode(question));
    assert.equal((await client.receive())?.[0]?.message.type, "account.check.ok");
    client.close();
  });
}

async function receipts(t: Deno.TestContext, { sam, erik }: { sam: Person; erik: Person }) {
  const file = `${erik.home}/receipts`;
  const verify = (path: string) => run(["verify", path], { home: erik.home });

  await t.step("a receiver can prove later who wrote what, without any server", async () => {
    await erik.lines(["export", "sam", "--signed", "-o", file]);
    const receipts = (await Deno.readTextFile(file)).trim().split("\n");
    assert.equal(receipts.length, 3);
    const { code, out, err } = await verify(file);
    assert.equal(code, 0, err);
    assert.match(out, /sam/);
    assert.match(out, /the second/);
  });

  await t.step("so can the sender", async () => {
    await sam.lines(["export", "erik", "--signed", "-o", `${sam.home}/own`]);
    assert.equal((await verify(`${sam.home}/own`)).code, 0);
  });

  await t.step("a receipt of which any field was changed does not verify", async () => {
    const [first] = (await Deno.readTextFile(file)).split("\n");
    const receipt: Record<string, unknown> = JSON.parse(first ?? "");
    const texts = Object.entries(receipt).filter(([, value]) => typeof value === "string");
    assert.ok(texts.length >= 8, `${texts}`);
    const changed = texts.map(([field, value]) =>
      JSON.stringify({ ...receipt, [field]: other(value) })
    );
    await Deno.writeTextFile(`${file}-changed`, `${changed.join("\n")}\n`);
    const { code, out } = await verify(`${file}-changed`);
    assert.equal(code, 1, out);
    const verdicts = out.split("\n");
    for (const [at, [field]] of texts.entries()) {
      assert.match(verdicts[at] ?? "", /^INVALID/, `${field} was changed:\n${out}`);
    }
  });

  await t.step("what is no receipt at all is named as such", async () => {
    await Deno.writeTextFile(`${file}-other`, "hello\n");
    assert.notEqual((await verify(`${file}-other`)).code, 0);
    assert.notEqual((await verify(`${file}-missing`)).code, 0);
  });
}

/** The same text but for its first letter. */
function other(value: unknown): string {
  const text = String(value);
  return `${text.startsWith("B") ? "C" : "B"}${text.slice(1)}`;
}

async function clearErrors(t: Deno.TestContext, sam: Person) {
  await t.step("a mistyped one-shot command is not taken for a host", async () => {
    for (const args of [["sned", "erik", "hello"], ["histroy"], ["--json", "unraed"]]) {
      const { code, err } = await sam.process(args);
      assert.equal(code, 2);
      assert.match(err, /There is no command \w+\. Did you mean (send|history|unread)\?/);
    }
  });

  await t.step(
    "an invalid command gets an error, the nearest command, and sends nothing",
    async () => {
      await using chat = await sam.online();
      const after = await chat.type("/unraed");
      assert.match(
        await chat.waitForRemark("/unraed", after),
        /Unknown command \/unraed\. Did you mean \/unread\?.*nothing was sent/,
      );
      assert.equal((await chat.finish()).code, 0);
    },
  );

  await t.step("a command without what it needs answers with its usage", async () => {
    await using chat = await sam.online();
    for (const [typed, usage] of [["/msg erik", "/msg NAME TEXT"], ["/to", "/to NAME"]] as const) {
      const after = await chat.type(typed);
      await chat.waitForRemark(`Usage: ${usage}`, after);
    }
    assert.equal((await chat.finish()).code, 0);
  });

  await t.step(
    "a one-shot command with wrong arguments ends with exit code 2 and one line",
    async () => {
      for (
        const args of [["send"], ["send", "erik", "x", "y"], ["read", "--bogus"], [
          "bogus",
          "x",
          "y",
        ]]
      ) {
        const { code, out, err } = await sam.once(args);
        assert.equal(code, 2, `${args}: ${err}`);
        assert.equal(out, "");
        assert.match(err, /^sealpost: [^\n]+$/);
      }
    },
  );

  await t.step(
    "the client checks before it sends: names, sizes, emptiness, weak passwords",
    async () => {
      const cases: [string[], string | undefined, RegExp][] = [
        [["send", "x/../y", "hello"], undefined, /names have 3 to 32/],
        [["send", "erik"], "x".repeat(64 * 1024 + 1), /long|larger|bytes|KiB/i],
        [["send", "#lobby"], "x".repeat(16 * 1024 + 1), /long|larger|bytes|KiB/i],
        [["send", "erik"], "\n", /no text/i],
        [["register", "Nö"], undefined, /names have 3 to 32 characters/],
        [["register", "weak", "--password-stdin"], "password1\n", /password was refused/],
      ];
      for (const [args, input, complaint] of cases) {
        const { code, err } = await sam.once(args, input);
        assert.notEqual(code, 0, `${args}`);
        assert.match(err, complaint, `${args}`);
      }
      assert.equal((await sam.json(["history", "erik"])).length, 3);
    },
  );
}

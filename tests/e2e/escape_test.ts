// deno-lint-ignore-file no-control-regex -- control characters are what this is about
/** Text from others at a real terminal: whatever it holds, it stays text. */
import assert from "node:assert/strict";
import { Connection } from "../../lib/wire/connection.ts";
import { errorMessage } from "../../lib/wire/errors.ts";
import { listenTls, type SocketTransport } from "../../lib/wire/tls.ts";
import { AppError } from "../../lib/base/errors.ts";
import { type Person, Town } from "../kit/story.ts";
import { makeServerIdentity, serverFacts } from "../wire/kit.ts";
import { compiledProgram, Empty } from "./executable.ts";
import { Terminal } from "./terminal.ts";

Deno.env.set("SEALPOST_BINARY", await compiledProgram());

/** Sets the title, colours, clears, rings, moves the cursor, opens links, writes the clipboard, turns the text round. */
const attacks = [
  "\x1b]0;owned\x07",
  "\x1b]52;c;b3duZWQ=\x07",
  "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
  "\x1b[31m\x1b[2J\x1b[H\x1b[?1049h",
  "\x1bP+q\x1b\\\x1b_owned\x1b\\",
  "\x9b31m\x9d0;owned\x9c",
  "\x07\x08\x0b\x0c\x7f\r",
  "\u202eabc\u2066\u200b",
];

/** What only an attack can have written: the program's own repaints need none of it. */
const foreign = [
  /\x1b[\]PX^_]/,
  /\x1b\[31m|\x1b\[\?1049|\x1b\[2J/,
  /[\x07\x0b\x0c\x7f\x80-\x9f]/,
  /[\u202a-\u202e\u2066-\u2069\u200b]/,
  /http:\/\/evil/,
  /owned\x1b\\/,
];

/** The one question that the program itself asks a terminal in this way: for the colour of its background. */
const ownQuestion = "\x1b]11;?\x1b\\";

function assertHarmless(all: string): void {
  const written = all.replace(ownQuestion, "");
  for (const pattern of foreign) {
    const at = pattern.exec(written)?.index ?? -1;
    const around = JSON.stringify(written.slice(Math.max(0, at - 80), at + 80));
    assert.equal(at, -1, `${pattern} reached the terminal: ${around}`);
  }
}

/** Who attacks, and who is attacked. */
async function residents(town: Town): Promise<{ mallory: Person; ann: Person }> {
  const [mallory, ann] = await Promise.all([town.resident("mallory"), town.resident("ann")]);
  return { mallory, ann };
}

Deno.test("escape sequences in public and private messages never reach the terminal", async () => {
  await using town = await Town.make();
  const { mallory, ann } = await residents(town);
  await using home = await Empty.make();
  await using terminal = await Terminal.open(home.folder);
  const command = `./sealpost client --home '${ann.home}' --user ann`;
  await terminal.enter(command);
  await terminal.shows(/online 10\.8\./);
  const title = await terminal.fact("#{pane_title}");
  for (const to of ["#lobby", "ann"]) {
    const texts = attacks.map((attack, index) => `begin${attack}end-${index}-${to}`);
    await mallory.lines(["send", to, "--lines"], texts.join("\n"));
    for (const index of attacks.keys()) {
      const shown = new RegExp(`(mallory: (@ann )?begin|^ {4}).*end-${index}-${to}$`);
      await terminal.waitFor(
        async () => (await terminal.scrollback()).some((row) => shown.test(row)) || undefined,
        `show ${shown}`,
      );
    }
  }
  await terminal.enter("/history mallory");
  await terminal.enter("/notifications");
  await terminal.enter("/search begin");
  await terminal.waitFor((rows) =>
    rows.filter((row) => row.includes("end-7-ann")).length > 1 || undefined
  );
  assertHarmless(terminal.written);
  assert.equal(await terminal.fact("#{pane_title}"), title);
  assert.equal(await terminal.fact("#{alternate_on}"), "0");
});

Deno.test("one-shot commands print nothing that a terminal would obey either", async () => {
  await using town = await Town.make();
  const { mallory, ann } = await residents(town);
  const texts = attacks.map((attack) => `begin${attack}end`);
  await mallory.lines(["send", "ann", "--lines"], texts.join("\n"));
  for (
    const args of [["unread"], ["history"], ["notifications"], ["export"], ["read"], [
      "users",
      "--all",
    ]]
  ) {
    for (const json of [[], ["--json"]]) {
      const { out, err } = await ann.once([...args, ...json]);
      const lines = `${out}\n${err}`;
      for (const pattern of [/[\x00-\x09\x0b-\x1f\x7f-\x9f]/, /[\u202e\u2066]/]) {
        assert.doesNotMatch(lines, pattern, `${args} ${json}`);
      }
    }
  }
});

Deno.test("a hostile server's name and errors are only text at the terminal", async () => {
  await using server = await hostileServer(`evil${attacks.join("").slice(0, 50)}server`);
  await using home = await Empty.make();
  await using terminal = await Terminal.open(home.folder);
  await terminal.enter(`./sealpost client localhost ${server.port}`);
  await terminal.shows(/Trust this server\? \(yes\/no\) *$/);
  assert.ok((await terminal.scrollback()).join("\n").includes('"evil'), "its name is shown");
  await terminal.enter("yes");
  await terminal.shows(/^Username: *$/);
  await terminal.enter("ann");
  await terminal.shows(/nothing.*for you/);
  assertHarmless(terminal.written);
  assert.equal(await terminal.fact("#{alternate_on}"), "0");
});

/** A server whose every word is an attack: it refuses every request with one. */
async function hostileServer(name: string) {
  const made = await makeServerIdentity();
  const listener = listenTls({ hostname: "127.0.0.1", port: 0, cert: made.cert, key: made.key });
  const facts = { ...serverFacts, name, authority: made.authority };
  const sessions: Promise<void>[] = [];
  const serve = async (transport: SocketTransport) => {
    try {
      const connection = await Connection.accept(transport, { identity: made.identity, facts });
      await refuseEverything(connection);
    } catch (thrown) {
      // The client looks first and comes back later: half a session is what it leaves here.
      if (!(thrown instanceof Error)) throw thrown;
    }
  };
  const loop = (async () => {
    for (;;) {
      const transport = await listener.accept();
      if (transport === undefined) return;
      sessions.push(serve(transport));
    }
  })();
  return {
    port: listener.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await loop;
      await Promise.all(sessions);
    },
  };
}

async function refuseEverything(connection: Connection): Promise<void> {
  for (;;) {
    const arrived = await connection.receive();
    if (arrived === undefined) return;
    for (const { message } of arrived) {
      if (!("id" in message) || message.id === undefined) continue;
      const text = `nothing${attacks.join("")}for you`;
      const refusal = new AppError("internal", { text });
      connection.send(errorMessage(refusal, { connection: connection.id, id: message.id }));
    }
  }
}

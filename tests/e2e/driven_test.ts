/**
 * Two people at real pseudo-terminals of several sizes and a bot out of one-shot commands: what each screen shows, with
 * every way of leaving, stopping and being killed.
 */
import assert from "node:assert/strict";
import { type Person, Town } from "../kit/story.ts";
import { compiledProgram, Empty } from "./executable.ts";
import { Terminal } from "./terminal.ts";

Deno.env.set("SEALPOST_BINARY", await compiledProgram());

const sizes = [
  { name: "narrow", columns: 40, rows: 12 },
  { name: "usual", columns: 80, rows: 24 },
  { name: "large", columns: 200, rows: 60 },
];

/** Characters of two columns, of none, and of several code points; a flag; letters of the other direction. */
const pieces = "你好 naïve cafe\u0301 👍🏽 🇩🇪 한글 مرحبا";

/** The line of the client for somebody whose account is unlocked on this machine. */
const clientOf = (person: Person, ...flags: string[]) =>
  ["./sealpost client --utc", `--home ${person.home}`, `--user ${person.name}`, ...flags]
    .join(" ");

/** A shell's command on an empty screen. */
async function enterAlone(terminal: Terminal, command: string): Promise<void> {
  await terminal.enter("clear");
  await terminal.waitFor((rows) => /^\$ *$/.test(rows.join("")) || undefined, "become empty");
  await terminal.enter(command);
}

/** Waits until the shell asks below everything else: an older prompt may stand above, and what is typed sooner is lost. */
async function shellAgain(terminal: Terminal): Promise<void> {
  const last = (rows: string[]) => rows.findLast((row) => row !== "") ?? "";
  await terminal.waitFor((rows) => /^\$ *$/.test(last(rows)) || undefined, "end with a prompt");
}

/** Opens somebody's chat at a terminal. */
async function chatting(terminal: Terminal, person: Person): Promise<void> {
  await enterAlone(terminal, clientOf(person));
  await terminal.shows(chat);
}

/** What a chat shows below when it is connected, and what a first contact asks. */
const chat = / online\b/;
const trust = /Trust this server\? \(yes\/no\) *$/;

/** Ends the client that runs in a terminal by a signal; its number is in the file `pid` of the shell's folder. */
function signalled(signal: Deno.Signal) {
  return async (terminal: Terminal) => {
    Deno.kill(Number(await Deno.readTextFile(`${terminal.home}/pid`)), signal);
  };
}

const stamp = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /;

/** What was said, of all that stands on the screen and above it: lines with a time, without it. */
async function said(terminal: Terminal): Promise<string[]> {
  const rows = await terminal.scrollback();
  return rows.filter((row) => stamp.test(row)).map((row) => row.replace(stamp, ""));
}

/** Waits until a line was said, however the terminal wraps it. */
async function hears(terminal: Terminal, line: string): Promise<void> {
  const heard = async () => (await said(terminal)).includes(line) || undefined;
  await terminal.waitFor(heard, `show "${line}"`);
}

/** The rows from the prompt on, without empty ones. */
function inputOf(rows: readonly string[], prompt: string): string[] {
  const from = rows.findLastIndex((row) => row.startsWith(prompt));
  return from < 0 ? [] : rows.slice(from).filter((row) => row !== "");
}

/** The shell loop of a bot: it answers what it is told, and ends with its input. */
const botLoop = `./sealpost client listen --json | while read -r line; do
  from=$(printf '%s' "$line" | sed -n 's/.*"from":"\\([^"]*\\)".*/\\1/p')
  text=$(printf '%s' "$line" | sed -n 's/.*"text":"\\([^"]*\\)".*/\\1/p')
  # Nobody reads any more from where it says so on.
  case $text in stop) exec <&-; echo over; exit 0;; esac
  printf '%s' "you said: $text" | ./sealpost client send "$from"
done`;

Deno.test("two people and a bot, in narrow, usual and large terminals", async (t) => {
  // Each step goes on where the last one ended.
  const step = async (name: string, run: () => Promise<void>) => assert.ok(await t.step(name, run));
  await using town = await Town.make();
  const [ann, bob, bot] = await Promise.all(
    ["ann", "bob", "bot"].map((name) => town.resident(name)),
  ) as [Person, Person, Person];
  await using annHome = await Empty.make();
  await using bobHome = await Empty.make();
  await using atAnn = await Terminal.open(annHome.folder);
  await using atBob = await Terminal.open(bobHome.folder);
  await using botHome = await Empty.make();
  await using atBot = await Terminal.open(botHome.folder);
  const script = `export SEALPOST_HOME='${bot.home}'\n${botLoop}`;
  await Deno.writeTextFile(`${botHome.folder}/bot.sh`, script);
  await atBot.enter("clear; sh bot.sh; echo code $?");

  for (const size of sizes) {
    await step(`${size.name}: ${size.columns} columns and ${size.rows} rows`, async () => {
      await Promise.all([atAnn.resize(size), atBob.resize(size)]);
      await Promise.all([chatting(atAnn, ann), chatting(atBob, bob)]);
      await atAnn.enter("/to bob");
      await atAnn.shows(/^@bob> *$/);
      const first = `ann: @bob ${pieces} in ${size.name}`;
      const long = `and ${"again ".repeat(12)}to ${size.name}`;
      await atAnn.enter(`${pieces} in ${size.name}`);
      await hears(atBob, first);
      await atBob.type("half an answer");
      await atAnn.enter(`@bot are you ${size.name}?`);
      await hears(atAnn, `bot: @ann you said: are you ${size.name}?`);
      await atAnn.enter(long);
      await hears(atBob, `ann: @bob ${long}`);
      await atBob.waitFor((rows) => {
        const [typed, status, ...more] = inputOf(rows, "#lobby> ");
        return typed === "#lobby> half an answer" && status?.startsWith("bob · ") &&
            more.length === 0 || undefined;
      }, "show what is being typed below");
      await atBob.press("C-u");
      await atBob.enter(`@ann short in ${size.name}`);
      const short = `bob: @ann short in ${size.name}`;
      await Promise.all([hears(atAnn, short), hears(atBob, short)]);
      const between = [first, `ann: @bob ${long}`, short];
      assert.deepEqual((await said(atBob)).slice(-3), between);
      const own = await said(atAnn);
      assert.deepEqual(own.filter((line) => !line.includes("bot")).slice(-3), between);
      assert.deepEqual(own.filter((line) => line.includes("bot")).slice(-2), [
        `ann: @bot are you ${size.name}?`,
        `bot: @ann you said: are you ${size.name}?`,
      ]);
      await Promise.all([atAnn, atBob].map(async (terminal) => {
        await terminal.press("C-d");
        await shellAgain(terminal);
      }));
    });
  }

  await step("the bot ends when its loop does", async () => {
    await ann.lines(["send", "bot", "stop"]);
    await atBot.shows(/^over$/);
    // What it listens with notices with the next line that nobody reads any more.
    await ann.lines(["send", "bot", "are you still there?"]);
    await shellAgain(atBot);
    assert.deepEqual((await atBot.screen()).filter((row) => row !== ""), ["over", "code 0", "$"]);
  });

  await step(
    "a draft stays whole while the terminal changes its size and lines arrive",
    async () => {
      await atAnn.resize({ columns: 80, rows: 24 });
      await Promise.all([chatting(atAnn, ann), chatting(atBob, bob)]);
      await atAnn.enter("/to bob");
      const words = "a draft of many words that has to wrap wherever the window is narrow";
      let typed = "";
      let count = 0;
      for (const [index, columns] of [60, 33, 100, 24, 80].entries()) {
        const more = words.slice(index * 14, index === 4 ? undefined : index * 14 + 14);
        await atAnn.type(more);
        typed += more;
        // While much of its screen is empty, tmux 3.3 loses the cursor when it wraps rows, and what is on its way then comes
        // to a place that no program can know: all of it has to be there first. On a full one random_keys.ts waits for nothing.
        if (count > 0) await hears(atAnn, `bob: @ann number ${count} of the storm`);
        await atAnn.waitFor(
          (rows) => rows.join("").includes(typed.slice(-6)) && atAnn.whole || undefined,
          "show what was typed, and all else that was painted",
        );
        await atAnn.resize({ columns, rows: 10 + index * 4 });
        for (let at = 0; at < 4; at++) await atBob.enter(`@ann number ${++count} of the storm`);
      }
      await atAnn.shows(`number ${count} of the storm`);
      await atAnn.waitFor((rows) => {
        const row = inputOf(rows, "@bob> ")[0];
        return row === `@bob> ${typed}` || undefined;
      }, "show the whole draft");
      const heard = (await said(atAnn)).filter((line) => line.includes("of the storm"));
      assert.deepEqual(
        heard,
        Array.from({ length: count }, (_, at) => `bob: @ann number ${at + 1} of the storm`),
      );
      await atAnn.press("Enter");
      await atBob.shows(new RegExp(`ann: @bob ${typed}$`));
    },
  );

  await step("killed with -9 it loses nothing that was sent, and starts again", async () => {
    const before = (await said(atAnn)).filter((line) => line.startsWith("ann: @bob"));
    await atAnn.press("C-d");
    await atAnn.shows(/^\$ *$/);
    await atAnn.enter(`sh -c 'echo $$ >pid; exec ${clientOf(ann)}'`);
    await atAnn.shows(chat);
    await atAnn.enter("@bob the last words");
    await atBob.shows("the last words");
    await atAnn.type("never sent");
    await atAnn.shows("never sent");
    await signalled("SIGKILL")(atAnn);
    await atAnn.shows(/Killed/);
    // Nobody is left who could put the terminal back; this is what a person types then.
    await atAnn.type("stty sane; echo; echo sane");
    await atAnn.press("C-j");
    await atAnn.shows(/^sane$/);
    await chatting(atAnn, ann);
    await atAnn.enter("/history bob");
    await atAnn.waitFor(async () =>
      (await said(atAnn)).some((line) => line.includes("the last words")) || undefined
    );
    const text = (await atAnn.scrollback()).join("\n");
    for (const line of before) assert.ok(text.includes(line.slice(0, 60)), line);
    assert.ok(!text.includes("never sent"), text);
    await atAnn.press("C-d");
    await atAnn.shows(/^\$ *$/);
  });

  await step("every ordinary end leaves the terminal as it was, with its exit code", async () => {
    // Waited for: what is typed before a screen is cleared is wiped off it, and the prompt then looks idle too early.
    await atAnn.enter("clear; stty -a >before; echo kept");
    await atAnn.shows(/^kept$/);
    const plain = clientOf(ann);
    const elsewhere = "./sealpost client --home ./new localhost";
    for (
      const { command, at, end, code } of [
        { command: plain, at: chat, end: (at: Terminal) => at.enter("/exit"), code: 0 },
        { command: plain, at: chat, end: (at: Terminal) => at.press("C-d"), code: 0 },
        { command: plain, at: chat, end: (at: Terminal) => at.press("C-c", "C-c"), code: 130 },
        { command: plain, at: chat, end: signalled("SIGINT"), code: 130 },
        { command: plain, at: chat, end: signalled("SIGTERM"), code: 143 },
        { command: plain, at: chat, end: signalled("SIGHUP"), code: 143 },
        {
          command: `${elsewhere} ${town.ready.port}`,
          at: trust,
          end: (at: Terminal) => at.enter("no"),
          code: 5,
        },
        {
          command: `${elsewhere} ${town.ready.port}`,
          at: trust,
          end: (at: Terminal) => at.press("C-c"),
          code: 130,
        },
        { command: `${elsewhere} 1`, at: /refuses connections on port 1/, code: 3 },
        { command: plain, at: chat, end: (at: Terminal) => at.enter("/logout"), code: 0 },
        { command: plain, at: /^Password: *$/, end: (at: Terminal) => at.press("C-c"), code: 130 },
      ]
    ) {
      await enterAlone(atAnn, `sh -c 'echo $$ >pid; exec ${command}'`);
      // Waited for always: the prompt from before the command looks like the one behind it.
      await atAnn.shows(at);
      await end?.(atAnn);
      await atAnn.shows(/^\$ *$/);
      await atAnn.enter("echo code $?; stty -a | cmp - before && echo same");
      await atAnn.shows(`code ${code}`);
      await atAnn.shows(/^same$/);
      assert.equal(await atAnn.fact("#{cursor_flag} #{alternate_on} #{wrap_flag}"), "1 0 1");
      const { written } = atAnn;
      assert.ok(written.lastIndexOf("\x1b[?2004l") >= written.lastIndexOf("\x1b[?2004h"));
    }
  });
});

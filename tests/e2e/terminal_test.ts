/** Two people at real pseudo-terminals, with the compiled executable and nothing else. */
import assert from "node:assert/strict";
import { goodPassword, Town } from "../kit/story.ts";
import { compiledProgram, Empty } from "./executable.ts";
import { Terminal } from "./terminal.ts";

Deno.env.set("SEALPOST_BINARY", await compiledProgram());

/** Rows from the last one that fits `first` on that are not empty. */
function rowsFrom(rows: readonly string[], first: string): string[] {
  return rows.slice(rows.findLastIndex((row) => row.includes(first))).filter((row) => row !== "");
}

/** Goes through the questions of the first minutes in their order. */
async function arrive(terminal: Terminal, town: Town, name: string): Promise<void> {
  const client = `./sealpost client localhost ${town.ready.port} --utc`;
  await terminal.enter(`sh -c 'echo $$ >pid; exec ${client}'`);
  await terminal.shows(/Trust this server\? \(yes\/no\) *$/);
  assert.ok(
    (await terminal.screen()).join(" ").replaceAll(" ", "")
      .includes(town.ready.fingerprint),
    "the fingerprint is there to compare",
  );
  await terminal.enter("yes");
  await terminal.shows(/^Username: *$/);
  await terminal.enter(name);
  await terminal.shows(/Create an account\? \(yes\/no\) *$/);
  await terminal.enter("yes");
  await terminal.shows(/^New password: *$/);
  await terminal.enter(goodPassword);
  await terminal.shows(/^The same again: */);
  await terminal.enter(goodPassword);
  await terminal.shows(new RegExp(`^You are ${name} on test\\.`));
  await terminal.shows(/online 10\.8\./);
  assert.ok(!terminal.written.includes(goodPassword), "a password is never shown");
}

/** Longer than a process takes to end on a busy machine, in ms. */
const patienceMs = 60_000;

/** Waits until the process has ended; whoever started it may not have asked for its exit code yet. */
async function gone(pid: string): Promise<void> {
  const begun = performance.now();
  const state = async () => {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => ") Z");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  };
  while (await state() !== "Z") {
    assert.ok(performance.now() - begun < patienceMs, `process ${pid} goes on`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("two people chat at their terminals: questions in order, live lines above the line being typed", async (t) => {
  await using town = await Town.make();
  await using annHome = await Empty.make();
  await using bobHome = await Empty.make();
  await using ann = await Terminal.open(annHome.folder);
  await using bob = await Terminal.open(bobHome.folder);

  await t.step("trust, name, create, password, the same again", async () => {
    await Promise.all([arrive(ann, town, "ann"), arrive(bob, town, "bob")]);
  });

  await t.step("the prompt names where a plain line goes", async () => {
    await ann.shows(/^#lobby> *$/);
  });

  await t.step("an incoming line appears above a half-typed one, which stays whole", async () => {
    await ann.type("half a thought");
    await ann.shows("#lobby> half a thought");
    await bob.enter("good morning");
    await ann.waitFor((rows) => {
      const [first = "", second] = rowsFrom(rows, "bob: good morning");
      const arrived = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d bob: good morning$/.test(first);
      return arrived && second === "#lobby> half a thought" || undefined;
    }, "show the line above what is being typed");
    await ann.press("Enter");
    await bob.shows(/ ann: half a thought$/);
  });

  await t.step("a private message is shown with its receiver", async () => {
    await bob.enter("@ann only for you");
    await ann.shows(/ bob: @ann only for you$/);
    await ann.enter("/to bob");
    await ann.shows(/^@bob> *$/);
    await ann.enter("and back");
    await bob.shows(/ ann: @bob and back$/);
  });

  await t.step("after a resize nothing stale is left of the input line", async () => {
    await ann.type("a line that is longer than the narrow window will be");
    // On a screen that is nearly empty tmux loses its cursor: first let all of it arrive. bob looks at the lobby, and so the
    // message before stays delivered.
    await ann.waitFor((rows) => {
      const [typed = "", status = ""] = rowsFrom(rows, "@bob> a line");
      const arrived = typed.endsWith("the narrow window will be") &&
        status.endsWith("last message delivered");
      return arrived && ann.whole || undefined;
    }, "show all that was typed, and how far the last message has come");
    for (const columns of [30, 100, 44, 80]) {
      const before = ann.written.length;
      await ann.resize({ columns, rows: 24 });
      await ann.waitFor((rows) => {
        // The terminal wraps what it shows by itself at once; this is about what the client makes of it afterwards.
        // All of it has to be there before the next time.
        if (ann.written.length === before || !ann.whole) return undefined;
        const text = rowsFrom(rows, "@bob> a line").map((row) => row.padEnd(columns)).join("");
        const typed = /^@bob> a line that is longer than the narrow window will be/.test(text);
        const prompts = rows.filter((row) => row.startsWith("@bob> a line"));
        return typed && prompts.length === 1 ? true : undefined;
      }, `repaint ${columns} columns`);
    }
    await ann.press("C-u");
    await ann.shows(/^@bob> *$/);
  });

  await t.step(
    "Ctrl-Z stops it with the terminal as it was, and fg brings the draft back",
    async () => {
      await ann.type("a half thought");
      await ann.shows(/^@bob> a half thought$/);
      await ann.press("C-z");
      await ann.shows(/Stopped/);
      assert.ok(!(await ann.screen()).some((row) => row.includes("half thought")), "no stale row");
      await ann.enter("stty -a; echo typed");
      await ann.shows(/^typed$/);
      await ann.shows(/[^-]icanon/);
      await ann.shows(/[^-]echo /);
      assert.ok(ann.written.lastIndexOf("\x1b[?2004l") > ann.written.lastIndexOf("\x1b[?2004h"));
      await bob.enter("@ann while you were away");
      await ann.enter("fg");
      await ann.shows(/ bob: @ann while you were away$/);
      await ann.waitFor((rows) => {
        const prompts = rows.filter((row) => row.startsWith("@bob> a half"));
        return prompts.length === 1 && prompts[0] === "@bob> a half thought" && ann.whole ||
          undefined;
      }, "show the draft once");
      await ann.press("C-u");
      await ann.shows(/^@bob> *$/);
    },
  );

  await t.step("Ctrl-D leaves, and the terminal is as it was", async () => {
    await ann.press("C-d");
    await ann.shows(/^\$ *$/);
    await ann.enter("echo code $?; stty -a");
    await ann.shows(/^code 0$/);
    await ann.shows(/[^-]icanon/);
    await ann.shows(/[^-]echo /);
    assert.equal(await ann.fact("#{cursor_flag}"), "1");
    assert.ok(ann.written.lastIndexOf("\x1b[?2004l") > ann.written.lastIndexOf("\x1b[?2004h"));
  });

  await t.step(
    "an abrupt end of the server shows in the status row, and the return too",
    async () => {
      await town.server.stop("SIGKILL");
      await bob.shows(/offline/);
      await town.restart();
      await bob.shows(/online 10\.8\./);
      await bob.enter("still here");
      await bob.shows(/ bob: @?.*still here$/);
    },
  );

  await t.step(
    "a second window of the same account shows the same, and both may write",
    async () => {
      await using second = await Terminal.open(annHome.folder);
      await ann.enter(`./sealpost client --utc`);
      await second.enter(`./sealpost client --utc`);
      for (const terminal of [ann, second]) {
        await terminal.shows(/^Username \[ann\]: *$/);
        await terminal.press("Enter");
        await terminal.shows(/^Password: *$/);
        await terminal.enter(goodPassword);
        await terminal.shows(/online 10\.8\./);
      }
      await second.enter("@bob from the second window");
      await ann.shows(/ ann: @bob from the second window$/);
      await ann.enter("@bob from the first window");
      await second.shows(/ ann: @bob from the first window$/);
      await bob.enter("@ann to both");
      for (const terminal of [ann, second]) await terminal.shows(/ bob: @ann to both$/);
      await second.press("C-d");
      await second.shows(/^\$ *$/);
    },
  );

  await t.step("a signal ends it with its exit code, and the terminal is as it was", async () => {
    Deno.kill(Number(await Deno.readTextFile(`${bobHome.folder}/pid`)), "SIGTERM");
    await bob.shows(/^\$ *$/);
    await bob.enter("echo code $?; stty -a");
    await bob.shows(/^code 143$/);
    await bob.shows(/[^-]icanon/);
    await bob.shows(/[^-]echo /);
    assert.ok(bob.written.lastIndexOf("\x1b[?2004l") > bob.written.lastIndexOf("\x1b[?2004h"));
  });

  await t.step("when the terminal is closed it ends, quietly", async () => {
    await bob.enter(`sh -c 'echo $$ >pid; exec ./sealpost client --utc'`);
    await bob.shows(/^Username \[bob\]: *$/);
    await bob.press("Enter");
    await bob.shows(/^Password: *$/);
    await bob.enter(goodPassword);
    await bob.shows(/online 10\.8\./);
    const pid = (await Deno.readTextFile(`${bobHome.folder}/pid`)).trim();
    await bob.hangUp();
    await gone(pid);
  });
});

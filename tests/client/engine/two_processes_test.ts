/** Two processes on one profile, both sending and receiving at the same time. */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../../lib/base/clock.ts";
import { startChild } from "./children.ts";
import { EvilServer } from "./evil.ts";
import { message, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

const test = storiesOf("several processes on one profile");

test("a window, a script and another window on one profile: nothing is lost, doubled or damaged", async (village) => {
  const facts = await village.device("alice");
  const bobby = await village.online("bobby");
  const window = await village.open(facts);
  const warnings: string[] = [];
  window.subscribe((event) => event.kind === "warning" && warnings.push(event.text));
  const count = 120;
  await using other = await startChild(facts, ["listen"]);
  await other.waitForLine("ready");
  await using script = await startChild(facts, ["send", "bobby", String(count), "script "]);
  for (let at = 0; at < count; at++) {
    await window.send(to("bobby"), `window ${at}`);
    const sent = await bobby.send(to("alice"), `bobby ${at}`);
    // As fast as the server takes them, so that the script's come in between.
    await bobby.waitFor(sent.id, "sent", patience());
  }
  assert.equal((await script.ended).code, 0, script.err.join("\n"));
  await message(bobby, `script ${count - 1}`);
  await message(bobby, `window ${count - 1}`);
  await message(window, `bobby ${count - 1}`);
  await message(window, `script ${count - 1}`);
  await other.waitForLine(`"window ${count - 1}"`);
  await other.waitForLine(`"script ${count - 1}"`);
  await other.waitForLine(`"bobby ${count - 1}"`);

  const told = [...warnings, ...other.out, ...script.out].filter((line) => /put back/.test(line));
  assert.deepEqual(told, [], "none of them takes the profile for an old copy");
  const at = (prefix: string) => Array.from({ length: count }, (_, at) => `${prefix} ${at}`);
  for (const engine of [bobby, window]) {
    const name = engine === bobby ? "alice" : "bobby";
    const all = await engine.history({ target: to(name) });
    const unreadable = all.filter(({ kind }) => kind !== "text").map(({ text }) => text);
    assert.deepEqual(unreadable, [], `${engine.self.name} cannot read something`);
    for (const prefix of ["window", "script", "bobby"]) {
      const of = all.map(({ text }) => text).filter((text) => text.startsWith(prefix));
      assert.deepEqual(of, at(prefix));
    }
  }
  // The other window has shown each of them once, too.
  const shown = other.out.filter((line) => line.startsWith('{"shown"'));
  const texts = shown.map((line) => String(JSON.parse(line).shown));
  assert.deepEqual(texts.toSorted(), ["window", "script", "bobby"].flatMap(at).toSorted());
  const last = await window.send(to("bobby"), "still working");
  await window.waitFor(last.id, "delivered", patience());
  const back = await bobby.send(to("alice"), "both ways");
  await message(window, "both ways");
  await bobby.waitFor(back.id, "delivered", patience());
});

test("what a process queued before it was killed is sent by another on the same profile", async (village) => {
  const facts = await village.device("alice2");
  const bobby = await village.online("bobby2");
  const window = await village.open(facts);
  await using dying = await startChild(facts, ["send", "bobby2", "1", "orphan"], {
    crashAt: "client:queued",
  });
  assert.equal((await dying.ended).code, 137);
  const got = await message(bobby, "orphan0");
  assert.equal((await window.waitFor(got.id, "delivered", patience())).text, "orphan0");
});

/**
 * A machine's clock whose timers of no time, and those of the look at the store, wait from `hold` to `release`, also those
 * that were set before: in between nothing that was answered is noted, and nothing of other processes is looked for. Tries
 * after a failure go on.
 */
function gatedClock(): Clock & { hold(): void; release(): void } {
  let held: Set<() => void> | undefined;
  return {
    ...systemClock,
    after: (ms, action) => {
      if (ms !== 0 && ms !== 300) return systemClock.after(ms, action);
      const cancel = systemClock.after(ms, () => {
        if (held === undefined) action();
        else held.add(action);
      });
      return () => {
        held?.delete(action);
        cancel();
      };
    },
    hold: () => held = new Set(),
    release: () => {
      const waiting = held ?? [];
      held = undefined;
      for (const action of waiting) action();
    },
  };
}

test("what one process has sent and not noted yet does not make another take the store for an old copy", async (village) => {
  const facts = await village.device("alice3");
  const bobby = await village.online("bobby3");
  const first = await village.open(facts);
  await first.send(to("bobby3"), "before");
  await message(bobby, "before");
  await first.stop();

  const clock = gatedClock();
  const slow = await village.open(facts, { clock });
  clock.hold();
  await using proxy = EvilServer.start(village, facts);
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  proxy.hear = async (arrived) => {
    if (arrived.message.type === "conversation.list") {
      asked.resolve();
      await go.promise;
    }
    return arrived;
  };
  const other = village.engine(facts, { port: proxy.port });
  const warnings: string[] = [];
  other.subscribe((event) => event.kind === "warning" && warnings.push(event.text));
  await other.send(to("bobby3"), "from the other");
  await other.start({ receive: false, keepTrying: false });
  // The other stands before its question; only now is something sent whose answer stays unnoted.
  await asked.promise;
  await slow.send(to("bobby3"), "from the slow one");
  await message(bobby, "from the slow one");
  go.resolve();
  await other.send(to("bobby3"), "once it has looked");
  await message(bobby, "once it has looked");
  assert.deepEqual(warnings, []);
  clock.release();
  const texts = (await bobby.history({})).map(({ text }) => text);
  assert.deepEqual(texts.toSorted(), [
    "before",
    "from the other",
    "from the slow one",
    "once it has looked",
  ]);
});

test("what one process has had changed and not heard of yet does not make another take the store for an old copy", async (village) => {
  const facts = await village.device("alice4");
  const bobby = await village.online("bobby4");
  await using slowLine = EvilServer.start(village, facts);
  const slow = await village.open(facts, { port: slowLine.port });
  await slow.send(to("bobby4"), "before");
  await message(bobby, "before");

  await using line = EvilServer.start(village, facts);
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  line.hear = async (arrived) => {
    if (arrived.message.type !== "conversation.list") return arrived;
    asked.resolve();
    await go.promise;
    return arrived;
  };
  const other = village.engine(facts, { port: line.port });
  const warnings: string[] = [];
  other.subscribe((event) => event.kind === "warning" && warnings.push(event.text));
  await other.start({ receive: false, keepTrying: false });
  const [taken, heard] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  slowLine.bend = async (arrived) => {
    if (arrived.message.type !== "conversation.commit.ok") return arrived;
    taken.resolve();
    await heard.promise;
    return arrived;
  };
  await other.send(to("bobby4"), "from the other");
  await asked.promise;
  const renewed = slow.rekey(to("bobby4"));
  await taken.promise;
  go.resolve();
  await message(bobby, "from the other");
  heard.resolve();
  await renewed;
  await slow.send(to("bobby4"), "from the slow one");
  await message(bobby, "from the slow one");
  assert.deepEqual(warnings, []);
});

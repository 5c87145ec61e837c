/** A whole chat on a screen, over an engine that only plays back. */
import assert from "node:assert/strict";
import type { ChatMessage } from "../../../client/engine/api.ts";
import { Chat } from "../../../client/ui/chat.ts";
import { HeldEvents } from "../../../client/ui/held_events.ts";
import { LineEditor } from "../../../client/ui/line_editor.ts";
import { message, noon, playback } from "./playback.ts";
import { TestScreen } from "./screen.ts";

/** Runs a chat on a screen until `play` has left it. */
async function chatting(
  unread: ChatMessage[],
  play: (screen: TestScreen, played: ReturnType<typeof playback>) => Promise<void>,
  options: { readonly isNew?: boolean } = {},
): Promise<void> {
  const played = playback(unread, options);
  const screen = new TestScreen(60, 20);
  const dialogue = new LineEditor(screen);
  const clock = { now: () => noon, monotonic: () => 0, after: () => () => undefined };
  const chat = new Chat({
    engine: played.engine,
    dialogue,
    clock,
    style: { utc: true, styled: false, multiline: true },
    forget: () => Promise.resolve(),
    files: { folder: () => Promise.resolve("/"), expand: (path) => path },
    signal: new AbortController().signal,
  });
  const over = chat.run();
  await screen.settled();
  await play(screen, played);
  await screen.press("\x03\x04");
  assert.equal(await over, 0);
  dialogue.close();
}

Deno.test("hundreds of messages between two keys: each is shown once and in order, and the draft stays whole", () =>
  chatting([], async (screen, { tell, sent }) => {
    const typed = "typed while they come";
    let count = 0;
    for (const key of typed) {
      for (let more = 0; more < 40; more++) {
        tell({ kind: "message", message: message(`number ${count++}`), live: true });
      }
      await screen.press(key);
    }
    const rows = await screen.text();
    const shown = rows.filter((row) => row.includes("bob: number"));
    assert.deepEqual(
      shown,
      Array.from({ length: count }, (_, index) => `2026-11-21 12:00:00 bob: number ${index}`),
    );
    assert.deepEqual(rows.slice(-2), [
      `#lobby> ${typed}`,
      "ann \u00b7 online 10.8.0.1 \u00b7 public",
    ]);
    assert.equal(rows.filter((row) => row.startsWith("#lobby>")).length, 1);
    await screen.press("\r");
    assert.deepEqual(sent, [{ target: { kind: "lobby" }, text: typed }]);
  }));

Deno.test("a new device says that the history is on its way, and when that is here what is unread in it", () =>
  chatting([], async (screen, { tell, restore }) => {
    const greeted = "You are ann on test. Your history is on its way.";
    assert.ok((await screen.text()).join(" ").startsWith(greeted));
    await screen.press("/unread\r");
    assert.ok((await screen.text()).some((row) => row.startsWith("Nothing is here yet")));
    tell({ kind: "archive", progress: { have: 1, total: 2, complete: false } });
    const live = message("live");
    tell({ kind: "message", message: live, live: true });
    tell({ kind: "caught_up" });
    await screen.settled();
    assert.ok((await screen.text()).at(-1)?.includes("history: 1 of 2 messages"));
    const lobby = { target: { kind: "lobby" }, conversation: "#lobby", unread: 3 } as const;
    const restored = [message("one", { local: -9 }), message("two", { local: -8 })];
    restore([lobby], [...restored, live]);
    tell({ kind: "archive", progress: { have: 2, total: 2, complete: true } });
    await screen.settled();
    const rows = await screen.text();
    const from = rows.indexOf("2026-11-21 12:00:00 bob: live");
    assert.deepEqual(rows.slice(from + 1, from + 6), [
      "* history: 2 of 2 messages",
      "3 unread messages: #lobby 3.",
      "\u2500\u2500 2 unread \u2500\u2500",
      "2026-11-21 12:00:00 bob: one",
      "2026-11-21 12:00:00 bob: two",
    ]);
    assert.ok(!rows.some((row) => row.includes("No unread")));
  }, { isNew: true }));

Deno.test("a new device of an account without a history says so when it knows", () =>
  chatting([], async (screen, { tell, restore }) => {
    restore([], []);
    tell({ kind: "archive", progress: { have: 0, total: 0, complete: true } });
    await screen.settled();
    assert.ok(!(await screen.text()).some((row) => /No unread|history:/.test(row)));
    tell({ kind: "caught_up" });
    await screen.settled();
    const rows = await screen.text();
    assert.equal(rows.filter((row) => row === "No unread messages.").length, 1);
    assert.ok(!rows.some((row) => row.includes("history:")));
  }, { isNew: true }));

Deno.test("what was unread stands below a mark and its day, and makes no noise; what comes does", () => {
  const yesterday = noon + 86_400_000;
  return chatting(
    [message("one", { ts: yesterday }), message("two", { ts: yesterday })],
    async (screen, { tell }) => {
      assert.deepEqual((await screen.text()).slice(2, 6), [
        "\u2500\u2500 2 unread \u2500\u2500",
        "\u2500\u2500 Sunday, 22 November 2026 \u2500\u2500",
        "2026-11-22 12:00:00 bob: one",
        "2026-11-22 12:00:00 bob: two",
      ]);
      tell({ kind: "message", message: message("waited at the server"), live: false });
      await screen.settled();
      assert.equal(screen.bells, 0);
      tell({ kind: "message", message: message("live"), live: true });
      tell({ kind: "message", message: message("own", { own: true }), live: true });
      await screen.settled();
      assert.equal(screen.bells, 1);
    },
  );
});

Deno.test("what could not be sent is in the input line again, and lines are kept for another day", () =>
  chatting([], async (screen, { refuse, kept, sent }) => {
    await screen.press("fine\r");
    refuse(new Error("the disk is full"));
    await screen.press("@bob not fine\r");
    const rows = await screen.text();
    assert.ok(rows.includes("! the disk is full"), rows.join("\n"));
    assert.ok(rows.includes("#lobby> @bob not fine"), rows.join("\n"));
    assert.deepEqual(sent.map(({ text }) => text), ["fine"]);
    assert.deepEqual(kept, ["fine", "@bob not fine"]);
    await screen.press("\x15\x1b[A\x1b[A\x1b[A");
    assert.ok((await screen.text()).includes("#lobby> of yesterday"));
  }));

Deno.test("a pasted command is not run, and sent as text only by a second Enter", () =>
  chatting([], async (screen, { sent }) => {
    await screen.press("\x1b[200~/exit\x1b[201~\r");
    assert.ok((await screen.text()).includes("#lobby> /exit"));
    assert.deepEqual(sent, []);
    await screen.press("\r");
    assert.deepEqual(sent.map(({ text }) => text), ["/exit"]);
    await screen.press("@bob look: \x1b[200~one\ntwo\x1b[201~\r");
    assert.deepEqual(sent.at(-1), {
      target: { kind: "direct", name: "bob" },
      text: "look: one\ntwo",
    });
  }));

Deno.test("what the server does not tell now cannot be completed, and nothing ends for it", () =>
  chatting([], async (screen) => {
    await screen.press("/devices revoke \t");
    await screen.press("x");
    assert.ok((await screen.text()).includes("#lobby> /devices revoke x"));
    await screen.press("\x15@b\t");
    assert.ok((await screen.text()).includes("#lobby> @b"));
  }));

const toBob = (text: string) => message(text, { target: { kind: "direct", name: "bob" } });

/** What was said of messages and unread ones, without times. */
async function linesOf(screen: TestScreen): Promise<string[]> {
  return (await screen.text()).filter((row) => /bob: | unread(?! message)|older/.test(row))
    .filter((row) => !row.startsWith("ann "))
    .map((row) => row.replace(/^\d{4}-\S+ \S+ /, "").replace("@ann ", ""));
}

Deno.test("turned to while messages come there: each line is shown once and in order, and only those shown are marked as read", () =>
  chatting([], async (screen, { tell, readBy, marked }) => {
    const [one, two, three, four, five] = ["1", "2", "3", "4", "5"].map(toBob);
    assert.ok(one && two && three && four && five);
    for (const each of [one, two]) tell({ kind: "message", message: each, live: true });
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<readonly ChatMessage[]>();
    readBy(() => {
      asked.resolve();
      return answered.promise;
    });
    await screen.press("/to @bob\r");
    await asked.promise;
    tell({ kind: "message", message: three, live: true });
    // The fourth is in the store already, and its event comes only later.
    answered.resolve([one, two, three, four]);
    await screen.settled();
    assert.deepEqual(await linesOf(screen), ["bob: 1", "bob: 2", "── 2 unread above ──", "bob: 3"]);
    assert.deepEqual(marked.map(({ text }) => text), ["2"]);
    for (const each of [four, five]) tell({ kind: "message", message: each, live: true });
    assert.deepEqual((await linesOf(screen)).slice(3), ["bob: 3", "bob: 4", "bob: 5"]);
  }));

Deno.test("what came just before one turns away is marked as read there, and that of the next conversation too", () =>
  chatting([], async (screen, { tell, readBy, marked }) => {
    readBy(() => Promise.resolve([]));
    tell({ kind: "message", message: message("in the lobby"), live: true });
    await screen.press("/to @bob\r");
    assert.deepEqual(marked.map(({ text }) => text), ["in the lobby"]);
    tell({ kind: "message", message: toBob("in private"), live: true });
    await screen.press("/to #lobby\r");
    assert.deepEqual(marked.map(({ text }) => text), ["in the lobby", "in private"]);
  }));

Deno.test("of many unread lines those left out at first are shown once one turns to them, and no other again", () => {
  const many = Array.from({ length: 203 }, (_, index) => toBob(`number ${index}`));
  return chatting(many, async (screen, { tell, marked }) => {
    const begun = await linesOf(screen);
    assert.deepEqual(begun.slice(0, 3), [
      "(3 older unread messages: /unread shows them)",
      "── 203 unread ──",
      "bob: number 3",
    ]);
    await screen.press("/to @bob\r");
    assert.deepEqual((await linesOf(screen)).slice(begun.length), [
      "── 200 unread above ──",
      "── 3 more unread ──",
      "bob: number 0",
      "bob: number 1",
      "bob: number 2",
    ]);
    assert.deepEqual(marked.map(({ text }) => text), ["number 202"]);
    tell({ kind: "message", message: toBob("next"), live: true });
    assert.equal((await linesOf(screen)).at(-1), "bob: next");
  });
});

Deno.test("what a line of the group tells is not said a second time by the notification of it", () =>
  chatting([], async (screen, { tell }) => {
    const note = (kind: string, text: string) =>
      tell({ kind: "notification", notification: { id: 1, kind, ts: noon, seen: false, text } });
    for (const kind of ["group_added", "group_removed", "group_role"]) {
      note(kind, `${kind} repeats`);
    }
    note("key_changed", "the account key of bob has changed");
    const said = (await screen.text()).filter((row) => row.startsWith("* "));
    assert.deepEqual(said, ["* the account key of bob has changed"]);
  }));

Deno.test("events that are held come in order, all at once when there are too many, and also when what held them fails", async () => {
  const shown: number[] = [];
  const events = new HeldEvents((event) =>
    shown.push(event.kind === "message" ? event.message.local : 0)
  );
  const first = message("first").local;
  const take = () => events.take({ kind: "message", message: message("more"), live: true });
  await assert.rejects(events.during(() => {
    take();
    assert.deepEqual(shown, []);
    return Promise.reject(new Error("no store"));
  }));
  assert.deepEqual(shown, [first + 1]);
  await events.during(() => {
    for (let count = 0; count < 1200; count++) take();
    assert.equal(shown.length, 1201, "they do not pile up");
    return Promise.resolve();
  });
  assert.deepEqual(shown, Array.from({ length: 1201 }, (_, index) => first + 1 + index));
});

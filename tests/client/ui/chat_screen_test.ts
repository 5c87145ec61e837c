/** A whole chat on a screen, over an engine that only plays back. */
import assert from "node:assert/strict";
import type { ChatMessage } from "../../../client/engine/api.ts";
import { Chat } from "../../../client/ui/chat.ts";
import { LineEditor } from "../../../client/ui/line_editor.ts";
import { message, noon, playback } from "./playback.ts";
import { TestScreen } from "./screen.ts";

/** Runs a chat on a screen until `play` has left it. */
async function chatting(
  unread: ChatMessage[],
  play: (screen: TestScreen, played: ReturnType<typeof playback>) => Promise<void>,
): Promise<void> {
  const played = playback(unread);
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

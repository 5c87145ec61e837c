/** Where painting begins, and what becomes of what a terminal had wrapped anew before it came there. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bottom, landed, rowsAbove, wrapping } from "../../../client/ui/landing.ts";
import { LineEditor } from "../../../client/ui/line_editor.ts";
import type { Measure, Reflow } from "../../../client/ui/questions.ts";
import { Questions } from "../../../client/ui/questions.ts";
import { TestScreen } from "./screen.ts";

const question = "\x1b[999C\x1b[6n";

/** How a repaint begins that clears everything from the row above the cursor's on. */
const upOne = "\x1b[?2026h\r\x1b[1A\x1b[K\x1b7\x1b[B\x1b[J\x1b8";

/** A terminal that says how wide it is when the test wants; only what is written to it is looked at. */
class Telling extends TestScreen {
  readonly written: string[] = [];
  readonly open: ((columns: number | undefined) => void)[] = [];
  readonly #resized: (() => void)[] = [];
  #columns = 40;

  override size() {
    return { columns: this.#columns, rows: 10 };
  }

  override onResize(listener: () => void): void {
    this.#resized.push(listener);
  }

  /** The system tells programs so many columns. */
  tell(columns: number): void {
    this.#columns = columns;
    for (const listener of this.#resized) listener();
  }

  override write(text: string): void {
    this.written.push(text);
  }

  override reflow(): Reflow {
    return "follows";
  }

  override measure(): Measure {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.open.push(resolve);
    return { question, columns: promise };
  }

  /** It answers the questions of what was painted first. */
  async answer(begun: number | undefined, ended = begun): Promise<void> {
    for (const columns of [begun, ended]) this.open.shift()?.(columns);
    await this.settled();
  }

  /** What was written since this was asked last. */
  news(): string {
    return this.written.splice(0).join("");
  }
}

/** An editor in which 30 columns are typed, and the terminal has said that it has 40. */
async function typing(test: (screen: Telling, editor: LineEditor) => Promise<void>) {
  const screen = new Telling();
  const editor = new LineEditor(screen);
  void editor.readLine("> ");
  await screen.press("x".repeat(30));
  await screen.answer(40);
  assert.equal(screen.open.length, 0);
  screen.news();
  await test(screen, editor);
  editor.close();
}

Deno.test("painting begins in a row of its own wherever the shell has left the cursor, and at once where nothing stands", async () => {
  for (const before of ["", "$ ", "no newline at the end", "x".repeat(39)]) {
    const screen = new TestScreen(40, 10);
    screen.write(before);
    const editor = new LineEditor(screen);
    void editor.readLine("Username [bob]: ");
    await screen.settled();
    const rows = [...before === "" ? [] : [before.trimEnd()], "Username [bob]:"];
    assert.deepEqual(await screen.text(), rows);
    assert.deepEqual(await screen.cursor(), { row: rows.length - 1, column: 16 });
    editor.close();
  }
});

Deno.test("a terminal is asked for its width only where a row could wrap", async () => {
  const screen = new Telling();
  const editor = new LineEditor(screen);
  void editor.readLine("> ");
  editor.print("a line of any length, which a terminal wraps by itself, as long as it may be");
  await screen.press("short");
  assert.equal(screen.open.length, 0);
  await screen.press("x".repeat(30));
  assert.equal(screen.open.length, 2);
  assert.ok(screen.news().includes(question));
  editor.close();
});

Deno.test("what came to rows that were wrapped before is cleared from its first row on and painted again, its lines too", () =>
  typing(async (screen, editor) => {
    editor.print("in flight");
    await screen.settled();
    screen.news();
    screen.tell(20);
    editor.print("after it");
    await screen.settled();
    assert.equal(screen.news(), "", "nothing is painted before it is known where the last came to");
    await screen.answer(20);
    // Two wrapped rows of which the painting cleared the second, the line, and the input cut in one row.
    const again = screen.news();
    const input = `> ${"x".repeat(18)}\x1bE${"x".repeat(12)}`;
    const begins = `${upOne.replace("1A", "2A")}in flight\x1bEafter it\x1bE\x1b[?7l${input}`;
    assert.ok(again.startsWith(begins), JSON.stringify(again));
  }));

Deno.test("what came in time is wrapped with all the rest and not painted twice", () =>
  typing(async (screen, editor) => {
    editor.print("in flight");
    await screen.settled();
    screen.news();
    screen.tell(20);
    await screen.answer(40);
    const wrapped = screen.news();
    assert.ok(wrapped.startsWith(upOne), JSON.stringify(wrapped));
    assert.ok(!wrapped.includes("in flight"), JSON.stringify(wrapped));
  }));

Deno.test("what the terminal says of its width holds until the system tells it too", () =>
  typing(async (screen, editor) => {
    editor.print("in flight");
    await screen.settled();
    screen.news();
    await screen.answer(20);
    const again = screen.news();
    assert.ok(again.startsWith(upOne.replace("1A", "2A")), JSON.stringify(again));
    assert.ok(again.includes("in flight"), JSON.stringify(again));
    await screen.answer(20);
    editor.print("and on");
    await screen.settled();
    assert.ok(screen.news().startsWith("\x1b[?2026h\r\x1b[K"), "its input is cut in one row");
    await screen.answer(20);
    assert.equal(screen.news(), "", "nothing of it is astray");
    screen.tell(20);
    const told = screen.news();
    assert.ok(told.startsWith("\x1b[?2026h\r\x1b[K"), JSON.stringify(told));
    assert.ok(told.includes(`> ${"x".repeat(18)}\x1bE${"x".repeat(12)}`), JSON.stringify(told));
  }));

Deno.test("a terminal that does not answer is repainted as if all had come in time, and one that says something else each time is not asked for ever", () =>
  typing(async (screen) => {
    await screen.press("y");
    screen.news();
    screen.tell(20);
    await screen.press("z");
    await screen.answer(undefined);
    assert.match(screen.news(), /x{11}yz/);
    screen.tell(40);
    await screen.press("!\x7f");
    for (let at = 0; at < 200 && screen.open.length > 0; at++) {
      await screen.answer(at % 2 === 0 ? 100 : 50);
    }
    assert.equal(screen.open.length, 0, "nobody asks any more");
    screen.news();
    await screen.press("end");
    assert.match(screen.news(), /yzend/);
  }));

Deno.test("rows above the cursor are counted as a terminal wraps them", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", " ", "\u4f60"), maxLength: 60 });
  fc.assert(fc.property(
    fc.array(text, { minLength: 1, maxLength: 4 }),
    fc.nat(3),
    fc.integer({ min: 10, max: 70 }),
    (rows, at, columns) => {
      const cursorRow = Math.min(at, rows.length - 1);
      const bottom: Bottom = { rows, cursorRow, beforeCursor: rows[cursorRow] ?? "" };
      const parts = rows.slice(0, cursorRow + 1).flatMap((row) => wrapping(row, columns));
      assert.equal(rowsAbove(bottom, columns), parts.length - 1, "behind the last character");
      assert.equal(
        rowsAbove({ ...bottom, beforeCursor: "" }, columns),
        rows.slice(0, cursorRow).flatMap((row) => wrapping(row, columns)).length,
      );
      const painting = { up: cursorRow, lines: ["\x1b[1mnews\x1b[22m"], bottom };
      const landing = { begun: columns, ended: columns };
      const after = landed(bottom, painting, landing);
      assert.ok(after !== undefined);
      const higher = { ...painting, up: parts.length };
      assert.equal(landed(bottom, higher, landing), undefined, "it went up too far");
      assert.equal(rowsAbove(after, columns), parts.length, "stale rows, the line, and own rows");
    },
  ));
});

Deno.test("rows that a terminal has wrapped and that stay become one again when it is wider", () => {
  const row = "x".repeat(78);
  const bottom: Bottom = { rows: [row, "y".repeat(40)], cursorRow: 1, beforeCursor: "" };
  const painting = { up: 1, lines: [], bottom };
  const after = landed(bottom, painting, { begun: 37, ended: 37 });
  assert.ok(after !== undefined);
  const own = [row.slice(0, 37), "y".repeat(37)];
  assert.deepEqual(after.rows, [row.slice(0, 74), ...own]);
  assert.deepEqual([rowsAbove(after, 37), rowsAbove(after, 78)], [3, 2]);
});

Deno.test("the terminal's report of its cursor answers the question for its width, in order; what has gone answers no more", async () => {
  const questions = new Questions(() => undefined);
  const [first, second] = [questions.measure(), questions.measure()];
  assert.ok(questions.answer({ kind: "report", text: "12;80R" }));
  assert.ok(questions.answer({ kind: "report", text: "9;133R" }));
  assert.deepEqual([await first?.columns, await second?.columns], [80, 133]);
  await questions.answered();
  const third = questions.measure();
  questions.end();
  await questions.answered();
  assert.equal(await third?.columns, undefined);
  assert.equal(
    questions.measure(),
    undefined,
    "a terminal that has not answered is not asked again",
  );
});

Deno.test("a terminal that answers late is asked again when it has caught up, and its late answer is none to a later question", async () => {
  const questions = new Questions(() => undefined);
  const late = [questions.measure(), questions.measure()];
  questions.end();
  for (const one of late) assert.equal(await one?.columns, undefined);
  assert.ok(questions.answer({ kind: "report", text: "12;80R" }));
  assert.equal(questions.measure(), undefined, "one answer is still on its way");
  assert.ok(questions.answer({ kind: "report", text: "12;80R" }));
  const next = questions.measure();
  assert.ok(questions.answer({ kind: "report", text: "9;133R" }));
  assert.equal(await next?.columns, 133);
});

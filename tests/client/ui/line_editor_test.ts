import assert from "node:assert/strict";
import fc from "fast-check";
import { LineEditor } from "../../../client/ui/line_editor.ts";
import { TestScreen } from "./screen.ts";

async function editing(test: (screen: TestScreen, editor: LineEditor) => Promise<void>) {
  const screen = new TestScreen();
  const editor = new LineEditor(screen);
  try {
    await test(screen, editor);
  } finally {
    editor.close();
  }
}

Deno.test("what is typed is shown after the prompt and returned by Enter", () =>
  editing(async (screen, editor) => {
    const line = editor.readLine("#lobby> ");
    await screen.press("hello");
    assert.deepEqual(await screen.text(), ["#lobby> hello"]);
    await screen.press("\r");
    assert.deepEqual(await line, { kind: "line", text: "hello" });
  }));

Deno.test("incoming lines appear above the line being typed, which stays whole", () =>
  editing(async (screen, editor) => {
    editor.readLine("> ");
    editor.setStatus([{ text: "sam · online", need: 0 }]);
    await screen.press("half a sent");
    editor.print("2026-11-21 09:30:00 erik: hi");
    await screen.press("ence");
    assert.deepEqual(await screen.text(), [
      "2026-11-21 09:30:00 erik: hi",
      "> half a sentence",
      "sam · online",
    ]);
    assert.deepEqual(await screen.cursor(), { row: 1, column: 17 });
  }));

Deno.test("a line longer than the terminal is wide wraps, and lines above it leave no stale rows", () =>
  editing(async (screen, editor) => {
    editor.readLine("> ");
    await screen.press("x".repeat(100));
    editor.print("one");
    editor.print("two");
    assert.deepEqual(await screen.text(), [
      "one",
      "two",
      "> " + "x".repeat(38),
      "x".repeat(40),
      "x".repeat(22),
    ]);
  }));

Deno.test("a paste of many lines is one draft and never a command of its own", () =>
  editing(async (screen, editor) => {
    const line = editor.readLine("> ");
    await screen.press("\x1b[200~/exit\nrm -rf\r\nthird\x1b[201~");
    await screen.press("\r");
    assert.deepEqual(await line, { kind: "line", text: "/exit\nrm -rf\nthird", pasted: true });
  }));

Deno.test("a hidden answer is neither shown nor remembered", () =>
  editing(async (screen, editor) => {
    const secret = editor.readLine("Password: ", { hidden: true });
    await screen.press("correct horse");
    assert.deepEqual(await screen.text(), ["Password:"]);
    await screen.press("\r");
    assert.deepEqual(await secret, { kind: "line", text: "correct horse" });
    editor.readLine("> ");
    await screen.press("\x1b[A");
    assert.deepEqual(await screen.text(), [">"]);
  }));

Deno.test("the arrow keys bring back earlier lines and the line that was begun", () =>
  editing(async (screen, editor) => {
    for (const text of ["first", "second"]) {
      const line = editor.readLine("> ");
      await screen.press(`${text}\r`);
      await line;
    }
    const line = editor.readLine("> ");
    await screen.press("begun\x1b[A\x1b[A");
    assert.deepEqual((await screen.text()).at(-1), "> first");
    await screen.press("\x1b[B\x1b[B");
    assert.deepEqual((await screen.text()).at(-1), "> begun");
    await screen.press("\r");
    assert.deepEqual(await line, { kind: "line", text: "begun" });
  }));

Deno.test("keys typed while nobody reads are kept for the next question", () =>
  editing(async (screen, editor) => {
    await screen.press("early\rnext");
    assert.deepEqual(await editor.readLine("> "), { kind: "line", text: "early" });
    const second = editor.readLine("> ");
    await screen.press("\r");
    assert.deepEqual(await second, { kind: "line", text: "next" });
  }));

Deno.test("Ctrl-C empties the line, and on an empty line interrupts; Ctrl-D on an empty line ends", () =>
  editing(async (screen, editor) => {
    const first = editor.readLine("> ");
    await screen.press("draft\x03");
    assert.deepEqual(await screen.text(), [">"]);
    await screen.press("\x03");
    assert.deepEqual(await first, { kind: "interrupt", again: true });
    const later = editor.readLine("> ");
    await screen.press("draft\x03x\x7f\x03");
    assert.deepEqual(await later, { kind: "interrupt" });
    const second = editor.readLine("> ");
    await screen.press("\x04");
    assert.deepEqual(await second, { kind: "end" });
  }));

Deno.test("Ctrl-Z hands back a clean terminal, and the draft is there again afterwards", () =>
  editing(async (screen, editor) => {
    screen.whileStopped = "[1]+ Stopped\r\n$ fg\r\nsealpost client\r\n";
    const line = editor.readLine("> ");
    editor.setStatus([{ text: "sam \u00b7 online", need: 0 }]);
    await screen.press("x".repeat(50));
    await screen.press("\x1a");
    editor.print("hello");
    const rows = ["> " + "x".repeat(38), "x".repeat(12), "sam \u00b7 online"];
    assert.deepEqual(await screen.text(), [
      "[1]+ Stopped",
      "$ fg",
      "sealpost client",
      "hello",
      ...rows,
    ]);
    await screen.press("\r");
    assert.deepEqual(await line, { kind: "line", text: "x".repeat(50) });
  }));

Deno.test("Ctrl-Z works while a command is under way and nothing is being typed", () =>
  editing(async (screen) => {
    screen.whileStopped = "$ fg\r\n";
    await screen.press("\x1a");
    assert.deepEqual(await screen.text(), ["$ fg"]);
  }));

Deno.test("after a stop from outside the line is painted where the shell left the cursor", () =>
  editing(async (screen, editor) => {
    editor.readLine("> ");
    editor.setStatus([{ text: "online", need: 0 }]);
    await screen.press("draft");
    await screen.goOn("\r\n\r\nStopped\r\n$ fg\r\n");
    editor.print("news");
    assert.deepEqual((await screen.text()).slice(-4), ["$ fg", "news", "> draft", "online"]);
  }));

Deno.test("repainting at the top of the screen clears rows and never the whole screen, which tmux would keep", () =>
  editing(async (screen, editor) => {
    const written: string[] = [];
    const write = screen.write.bind(screen);
    screen.write = (text) => {
      written.push(text);
      write(text);
    };
    editor.readLine("> ");
    editor.setStatus([{ text: "online", need: 0 }]);
    await screen.press("x".repeat(60));
    for (const text of written) {
      // Whatever clears down to the end of the screen stands below the first row.
      // deno-lint-ignore no-control-regex -- escape sequences are what is looked at
      assert.doesNotMatch(text, /(?<!\x1b\[B)\x1b\[J/);
    }
    assert.deepEqual(await screen.text(), ["> " + "x".repeat(38), "x".repeat(22), "online"]);
  }));

Deno.test("Tab completes to what all candidates share and lists them when there is a choice", () =>
  editing(async (screen, editor) => {
    editor.setCompletion((before) =>
      Promise.resolve({
        replaces: before.length,
        words: ["/unread ", "/users "].filter((word) => word.startsWith(before)),
      })
    );
    editor.readLine("> ");
    await screen.press("/u\t");
    assert.deepEqual(await screen.text(), ["/unread  /users", "> /u"]);
    await screen.press("n\t");
    assert.equal((await screen.text()).at(-1), "> /unread");
  }));

Deno.test("a remark wraps between words, a message where the terminal wraps it", () =>
  editing(async (screen, editor) => {
    editor.notice("* this remark is longer than forty columns and has only short words");
    editor.print("2026-11-21 09:30:00 sam: what is longer than the row");
    assert.deepEqual(
      await screen.text(),
      [
        "* this remark is longer than forty",
        "  columns and has only short words",
        "2026-11-21 09:30:00 sam: what is longer ",
        "than the row",
      ].map((row) => row.trimEnd()),
    );
  }));

Deno.test("everything that arrives in one turn is written at once, and a key before it", () =>
  editing(async (screen, editor) => {
    const line = editor.readLine("> ");
    await screen.settled();
    const before = screen.writes;
    for (let index = 0; index < 150; index++) editor.print(`line ${index}`);
    editor.setStatus([{ text: "online", need: 0 }]);
    await screen.settled();
    assert.equal(screen.writes, before + 1);
    for (let index = 0; index < 5_000; index++) editor.print(`line ${index}`);
    await screen.press("typed\r");
    assert.deepEqual(await line, { kind: "line", text: "typed" });
    await screen.settled();
    editor.close();
    assert.equal((await screen.text()).at(-1), "line 4999", "the rest is there at the end");
  }));

Deno.test("a resize leaves no stale row and takes no line away", async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ columns: fc.integer({ min: 12, max: 70 }) }),
      fc.record({ rows: fc.integer({ min: 16, max: 30 }) }),
      fc.constantFrom("word ", "\u4f60\u597d", "\x1b[D", "\x01", "\x1b\r", "\x1b[A", "\x7f"),
      fc.constant({ print: "news" }),
    ),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 90 }), steps, async (length, taken) => {
      const screen = new TestScreen(40, 20);
      const editor = new LineEditor(screen);
      editor.print("first");
      editor.readLine("> ");
      editor.setStatus([{ text: "sam", need: 1 }, { text: "online", need: 0 }]);
      const printed = ["first"];
      await screen.press("x".repeat(length));
      for (const step of taken) {
        if (typeof step === "string") await screen.press(step);
        else if ("print" in step) printed.push(step.print), editor.print(step.print);
        else await screen.resize({ ...screen.size(), ...step });
      }
      const rows = await screen.text();
      const half = Math.ceil(screen.size().rows / 2);
      editor.close();
      assert.deepEqual(rows.slice(0, printed.length), printed);
      // A draft that takes all rows that it may have need not show its first one.
      const drawn = rows.findIndex((row) => row.includes("online")) - printed.length;
      const begins = rows[printed.length]?.startsWith(">") ? 1 : 0;
      assert.ok(begins === 1 || drawn >= half, rows.join("\n"));
      assert.equal(rows.filter((row) => row.startsWith(">")).length, begins, rows.join("\n"));
      assert.equal(rows.filter((row) => row.includes("online")).length, 1, rows.join("\n"));
    }),
    { numRuns: 60 },
  );
});

Deno.test("whatever is typed and whatever arrives, the screen ends as the draft says", async () => {
  const piece = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) =>
      !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)
    ),
    fc.constantFrom("\x1b[D", "\x1b[C", "\x7f", "\x01", "\x05", "\x17", "\x1b[3~"),
  );
  const step = fc.oneof(
    fc.record({ kind: fc.constant("press" as const), text: piece }),
    fc.record({ kind: fc.constant("print" as const), text: fc.constantFrom("a line", "another") }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const screen = new TestScreen(30, 40);
      const editor = new LineEditor(screen);
      const line = editor.readLine("> ");
      const printed: string[] = [];
      for (const { kind, text } of steps) {
        if (kind === "press") await screen.press(text);
        else printed.push(text), editor.print(text);
      }
      const shown = await screen.text();
      await screen.press("\r");
      const entered = await line;
      editor.close();
      assert.deepEqual(shown.slice(0, printed.length), printed);
      assert.equal(shown.filter((row) => row.startsWith("> ") || row === ">").length >= 1, true);
      assert.equal(entered.kind, "line");
      assert.equal(shown[printed.length]?.startsWith(">"), true, "exactly one prompt row follows");
    }),
    { numRuns: 40 },
  );
});

import assert from "node:assert/strict";
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

Deno.test("characters of several code points are moved over and deleted as one", () =>
  editing(async (screen, editor) => {
    const family = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}";
    const characters = [
      family,
      "\u{1f1e9}\u{1f1ea}",
      "\u4f60",
      "e\u0301",
      "\u0628\u0651",
      "\u{1f44d}\u{1f3fd}",
    ];
    const line = editor.readLine("> ");
    await screen.press(characters.join(""));
    await screen.press("\x1b[D\x7f\x1b[D\x1b[D\x1b[3~\x01\x1b[3~");
    await screen.press("\r");
    assert.deepEqual(await line, {
      kind: "line",
      text: `${characters[1]}${characters[3]}${characters[5]}`,
    });
  }));

Deno.test("half a flag, a joiner and a mark merge with what they are typed beside", () =>
  editing(async (screen, editor) => {
    const line = editor.readLine("> ");
    await screen.press("\u{1f1ea}\x01\u{1f1e9}");
    await screen.press("\x05\u{1f468}\u{1f467}\x1b[D\u200d");
    await screen.press("\x05x\u0301");
    await screen.press("\x7f\x7f");
    await screen.press("!\r");
    assert.deepEqual(await line, { kind: "line", text: "\u{1f1e9}\u{1f1ea}!" });
  }));

Deno.test("the cursor stands where this terminal has the text end, whatever widths it knows", () =>
  editing(async (screen, editor) => {
    editor.readLine("> ");
    const family = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}";
    await screen.press(`${family}a\u4f60b${family}`);
    await screen.press("\x1b[D\x1b[D");
    const row = (await screen.text()).at(-1) ?? "";
    const { column } = await screen.cursor();
    assert.ok(row.slice(0, await screen.unitsBefore(column)).endsWith("\u4f60"), "before the b");
  }));

Deno.test("nothing of a draft is hidden where families and flags are shown in parts", () =>
  editing(async (screen, editor) => {
    // This emulator knows neither.
    const character = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}";
    editor.readLine("> ");
    await screen.press(character.repeat(8) + "\u{1f1e9}\u{1f1ea}".repeat(15) + "end");
    const shown = (await screen.text()).join("");
    assert.equal(shown.match(/\u{1f467}/gu)?.length, 8);
    assert.equal(shown.match(/\u{1f1ea}/gu)?.length, 15);
    assert.ok(shown.endsWith("end"));
  }));

Deno.test("a paste of 500 lines is shown folded, sent whole, and opened by Ctrl-O", () =>
  editing(async (screen, editor) => {
    const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`);
    const text = lines.join("\n");
    const line = editor.readLine("> ");
    await screen.press(`see \x1b[200~${text}\x1b[201~ end`);
    assert.deepEqual(await screen.text(), [
      "> see line 0",
      "line 1",
      "line 2",
      "[\u2026 497 more lines; Ctrl-O opens]  end",
    ]);
    await screen.press("\x0f");
    assert.equal((await screen.text()).length, 5, "half of the screen at most");
    assert.equal((await screen.text()).at(-1), "line 499 end");
    editor.print("news");
    assert.deepEqual((await screen.text())[0], "news");
    await screen.press("\r");
    assert.deepEqual(await line, { kind: "line", text: `see ${text} end` });
    assert.deepEqual(await screen.text(), ["news"], "nothing of it stays in the scrollback");
  }));

Deno.test("a folded paste is moved over and deleted as one character", () =>
  editing(async (screen, editor) => {
    const line = editor.readLine("> ");
    await screen.press(`a\x1b[200~${"x\n".repeat(100)}\x1b[201~b`);
    await screen.press("\x1b[D\x1b[D\x1b[3~");
    await screen.press("\r");
    assert.deepEqual(await line, { kind: "line", text: "ab" });
  }));

Deno.test("up and down go through the rows of a draft, and beyond them through earlier lines", () =>
  editing(async (screen, editor) => {
    editor.setEarlierLines(() => ["earlier"]);
    const line = editor.readLine("> ");
    await screen.press("one\x1b\rtwo\x1b\rthree");
    assert.deepEqual(await screen.text(), ["> one", "two", "three"]);
    await screen.press("\x1b[A\x1b[AX");
    assert.deepEqual(await screen.text(), ["> oXne", "two", "three"]);
    await screen.press("\x1b[A");
    assert.deepEqual(await screen.text(), ["> earlier"]);
    await screen.press("\x1b[B");
    await screen.press("\r");
    assert.deepEqual(await line, { kind: "line", text: "oXne\ntwo\nthree" });
  }));

Deno.test("Ctrl-R finds earlier lines, older ones again, and only puts them into the input", () =>
  editing(async (screen, editor) => {
    editor.setEarlierLines(() => ["tell bob of it", "tell eve", "/users"]);
    const line = editor.readLine("> ");
    await screen.press("begun\x12TELL");
    assert.deepEqual(await screen.text(), ['earlier line with "TELL": tell eve']);
    await screen.press("\x12");
    assert.deepEqual(await screen.text(), ['earlier line with "TELL": tell bob of it']);
    await screen.press("xyz");
    assert.deepEqual(await screen.text(), ['no line has "TELLxyz": begun']);
    await screen.press("\x7f\x7f\x7f\r");
    assert.deepEqual(await screen.text(), ["> tell eve"]);
    await screen.press(" more\r");
    assert.deepEqual(await line, { kind: "line", text: "tell eve more" });
    editor.readLine("> ");
    await screen.press("kept\x12bob\x03");
    assert.deepEqual(await screen.text(), ["> kept"]);
  }));

Deno.test("what a key cuts comes back with Ctrl-Y, but never what was cut from a password", () =>
  editing(async (screen, editor) => {
    const first = editor.readLine("> ");
    await screen.press("one two\x17\x01\x19\r");
    assert.deepEqual(await first, { kind: "line", text: "twoone " });
    const secret = editor.readLine("Password: ", { hidden: true });
    await screen.press("secret\x15other\r");
    await secret;
    editor.readLine("> ");
    await screen.press("\x19");
    assert.deepEqual(await screen.text(), [">"]);
  }));

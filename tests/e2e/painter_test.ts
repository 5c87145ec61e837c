/** The painter at a real terminal that wraps its rows anew before anybody tells the program. */
import assert from "node:assert/strict";
import { LineEditor } from "../../client/ui/line_editor.ts";
import { PaintedScreen } from "./painted_screen.ts";
import { random } from "./random_keys.ts";

/** Letters and spaces. */
function words(next: (below: number) => number, length: number): string {
  const letters = "abcdefghij    ";
  return Array.from({ length }, () => letters[next(letters.length)]).join("");
}

Deno.test("what was on its way when the terminal wrapped its rows is painted again: no message lost or doubled, no stale row", async () => {
  const seed = Number(Deno.env.get("SEALPOST_RANDOM_SEED") ?? 20_261_121);
  const next = random(seed);
  await using screen = await PaintedScreen.open({ columns: 80, rows: 30 });
  const editor = new LineEditor(screen);
  const printed: string[] = [];
  const print = () => {
    printed.push(`number ${printed.length}: ${words(next, next(100)).trim()}.`);
    editor.print(printed.at(-1) ?? "");
  };
  editor.setStatus([{ text: "the status row, which is long enough to wrap", need: 0 }]);
  editor.readLine("ann> ");
  while (printed.length < 60) print();
  let typed = "";
  const type = async () => {
    if (typed.length > 150 || next(5) === 0) {
      await screen.press("\x15");
      typed = "";
    } else {
      const more = words(next, 1 + next(40));
      await screen.press(more);
      typed += more;
    }
  };
  const anySize = () => ({ columns: 30 + next(90), rows: 16 + next(24) });
  let done: string[] = [];
  /** A few things, without looking at the screen between them unless the terminal answers meanwhile. */
  const something = async (round: number) => {
    for (let count = next(4); count > 0; count--) {
      const what = (["shown", "type", "print", "status"] as const)[next(4)];
      done.push(what ?? "");
      if (what === "shown") await screen.shown();
      else if (what === "type") await type();
      else if (what === "print") print();
      else editor.setStatus([{ text: `status of round ${round}`, need: 0 }]);
    }
  };
  const rounds = Number(Deno.env.get("SEALPOST_RANDOM_ROUNDS") ?? 60);
  for (let round = 0; round < rounds; round++) {
    const size = anySize();
    const sizes = next(3) === 0 ? [anySize(), size] : [size];
    done = [];
    await something(round);
    for (const one of sizes) {
      await screen.wrap(one);
      done.push(JSON.stringify(one));
      await something(round);
    }
    await screen.tell(size);
    await screen.shown();
    const context = `seed ${seed}, round ${round}: ${done.join(", ")}\n` +
      (await screen.terminal.screen()).join("\n");
    const rows = await screen.terminal.scrollback();
    const end = rows.findLastIndex((row) => row !== "");
    const input = rows.findLastIndex((row) => row.startsWith("ann>"));
    assert.ok(/status/.test(rows[end] ?? ""), context);
    const shown = rows.slice(input, end).map((row) => row.padEnd(size.columns)).join("");
    assert.equal(shown.trimEnd(), `ann> ${typed}`.trimEnd(), context);
    const first = rows.findIndex((row) => row.startsWith("number "));
    const heard = rows.slice(Math.max(0, first), input);
    assert.deepEqual(heard.slice(-20), printed.slice(-20), context);
    assert.deepEqual(heard, printed.slice(-heard.length), context);
  }
});

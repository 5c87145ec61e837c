/** A chat at a terminal for the workload `screen`, over an engine that only plays back: so many lines arrive at once. */
import { systemClock } from "../lib/base/clock.ts";
import { Chat } from "../client/ui/chat.ts";
import { LineEditor } from "../client/ui/line_editor.ts";
import { openTerminal } from "../client/ui/terminal.ts";
import { message, playback } from "../tests/client/ui/playback.ts";

/** Messages that an engine takes in and tells of at once. */
const together = 100;

const [count = "0", report = ""] = Deno.args;
const { engine, tell } = playback();
const chat = new Chat({
  engine,
  dialogue: new LineEditor(openTerminal()),
  clock: systemClock,
  style: { utc: true, styled: true, multiline: true },
  forget: () => Promise.resolve(),
  files: { folder: () => Promise.resolve("/"), expand: (path) => path },
  signal: new AbortController().signal,
});
void chat.run();
const begun = performance.timeOrigin + performance.now();
for (let at = 0; at < Number(count);) {
  for (const end = Math.min(Number(count), at + together); at < end; at++) {
    const text = `number ${at} says that the nightly build of the week is green again`;
    tell({ kind: "message", message: message(text, { local: at + 1 }), live: true });
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
}
await Deno.writeTextFile(report, JSON.stringify({ pid: Deno.pid, begun }));

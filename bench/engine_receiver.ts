/** The receiving client of the engine workload: prints what it shows, with the time, until its input ends. */
import { decodeFacts, engineFor } from "../tests/client/engine/kit.ts";

const say = (text: string) => {
  const at = performance.timeOrigin + performance.now();
  console.log(JSON.stringify({ text, at }));
};

const engine = engineFor(decodeFacts(Deno.args[0] ?? ""));
engine.subscribe((event) => {
  if (event.kind === "message") say(event.message.text);
});
await engine.start({ receive: true, keepTrying: false });
await engine.caughtUp();
say("ready");
for await (const _ of Deno.stdin.readable);
await engine.stop();

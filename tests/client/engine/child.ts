/**
 * One engine in a process of its own, to be killed: `child.ts FACTS send NAME COUNT [PREFIX]` or `child.ts FACTS react
 * EMOJI` (to the last message) or `child.ts FACTS listen` (until its input ends) or `child.ts FACTS drain`. Prints one JSON line per event. Crash points are armed by
 * SEALPOST_CRASH_AT.
 */
import { armCrashPoint, parseCrashPlan } from "../../../lib/base/crashpoint.ts";
import { decodeFacts, engineFor } from "./kit.ts";

const [facts = "", command = "", name = "", count = "1", prefix = "text"] = Deno.args;
const plan = Deno.env.get("SEALPOST_CRASH_AT");
if (plan) armCrashPoint(parseCrashPlan(plan), () => Deno.kill(Deno.pid, "SIGKILL"));

const print = (line: object) => console.log(JSON.stringify(line));
const engine = engineFor(decodeFacts(facts));
engine.subscribe((event) => {
  if (event.kind !== "message" && event.kind !== "warning") return;
  print(event.kind === "message" ? { shown: event.message.text } : { warning: event.text });
});
await engine.start({ receive: command === "listen", keepTrying: true });
if (command === "send") {
  const sent = [];
  const target = name === "#lobby" ? { kind: "lobby" } as const : { kind: "direct", name } as const;
  for (let at = 0; at < Number(count); at++) sent.push(await engine.send(target, `${prefix}${at}`));
  for (const { id } of sent) await engine.waitFor(id, "sent");
  print({ sent: sent.length });
} else if (command === "react") {
  const last = (await engine.history({})).at(-1);
  if (last === undefined) throw new Error("nothing to react to");
  const { id } = await engine.content.react(last.id, name);
  await engine.content.settled(id);
  print({ reacted: last.text });
} else if (command === "listen") {
  await engine.caughtUp();
  print({ ready: true });
  for await (const _ of Deno.stdin.readable);
} else {
  const queued = (await engine.history({})).filter(({ state }) => state === "queued");
  for (const { id } of queued) await engine.waitFor(id, "sent");
  print({ drained: queued.length });
}
await engine.stop();

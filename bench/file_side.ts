/** One side of a transfer for the workload `file`, as a process: sends a file, or saves the newest. */
import { decodeFacts, engineFor } from "../tests/client/engine/kit.ts";

const [what, facts = "", path = ""] = Deno.args;
const engine = engineFor(decodeFacts(facts));
await engine.start({ receive: true, keepTrying: false });
await engine.caughtUp();
const begun = performance.now();
if (what === "up") {
  await engine.files.send({ target: { kind: "direct", name: "receiver" }, path });
} else {
  const file = (await engine.files.list()).at(-1);
  if (file === undefined) throw new Error("there is no file");
  await engine.files.get({ id: file.id, place: { kind: "file", path: `${path}/saved.txt` } });
}
const ms = performance.now() - begun;
await engine.stop();
console.log(JSON.stringify({ ms }));

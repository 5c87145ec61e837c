/** Somebody types at random at a real pseudo-terminal that changes its size, while messages arrive. */
import assert from "node:assert/strict";
import { Town } from "../kit/story.ts";
import { compiledProgram, Empty } from "./executable.ts";
import { typeAtRandom } from "./random_keys.ts";
import { Terminal } from "./terminal.ts";

Deno.env.set("SEALPOST_BINARY", await compiledProgram());

const setting = (name: string) => Deno.env.get(`SEALPOST_RANDOM_${name}`) || undefined;

Deno.test("random keys and resizes while messages arrive: no stale row, no lost message", async () => {
  const seed = Number(setting("SEED") ?? 1_357);
  const milliseconds = Number(setting("MINUTES") ?? 1 / 3) * 60_000;
  const columns = (setting("COLUMNS") ?? "40 80 200").split(" ").map(Number);
  const sizes = columns.map((columns) => ({ columns, rows: 24 }));
  await using town = await Town.make();
  const [ann, bob] = await Promise.all([town.resident("ann"), town.resident("bob")]);
  await using home = await Empty.make();
  await using terminal = await Terminal.open(home.folder, sizes[0]);
  await using other = await bob.online();
  await terminal.enter("clear");
  await terminal.enter(`./sealpost client --utc --home ${ann.home} --user ann`);
  await terminal.shows(/ online\b|^online\b/);
  const { bursts } = await typeAtRandom({ terminal, other, seed, sizes, milliseconds });
  console.log(`${bursts} bursts of seed ${seed}`);
  assert.ok(bursts > 0);
  await terminal.press("C-a", "C-k", "C-d");
  await terminal.shows(/^\$ *$/);
});

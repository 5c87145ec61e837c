/** Groups of full clients with MLS and stores on disk: adding many, and a message that many decrypt. */
import type { Engine } from "../client/engine/api.ts";
import { Village } from "../tests/client/engine/village.ts";
import { percentile, report } from "./report.ts";

const to = { kind: "group", name: "crowd" } as const;

/** Resolves when the engine shows that text. */
function shown(engine: Engine, text: string): Promise<number> {
  return new Promise((resolve) => {
    const stop = engine.subscribe((event) => {
      if (event.kind !== "message" || event.message.text !== text) return;
      queueMicrotask(() => stop());
      resolve(performance.now());
    });
  });
}

/**
 * Makes a group of `members` accounts, most of whom are away, adds them in one go, and measures until `online` full
 * clients in this process have decrypted and shown each of `rounds` messages.
 * 98, because one address registers 100 accounts in an hour.
 */
export async function groups(members = 98, online = 50, rounds = 10): Promise<void> {
  await using village = await Village.make();
  const options = { keyPackages: 1 };
  const owner = await village.online("owner", options);
  const names = Array.from({ length: members }, (_, index) => `user${index}`);
  const present: Engine[] = [];
  for (const [index, name] of names.entries()) {
    const facts = await village.device(name);
    if (index < online) present.push(await village.open(facts, options));
    else await village.briefly(facts, options);
  }
  await owner.groups.create("crowd", []);
  const begun = performance.now();
  await owner.groups.add(to, names);
  const added = performance.now() - begun;

  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const text = `message ${round}`;
    const all = present.map((engine) => shown(engine, text));
    const sent = performance.now();
    await owner.send(to, text);
    times.push(Math.max(...await Promise.all(all)) - sent);
  }
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  report(`groups: ${members} members, ${online} full clients online in one process`, {
    [`adding ${members} members in one commit`]: ms(added),
    "first message, until all online have shown it (they join before)": ms(times[0] ?? NaN),
    "later ones, median": ms(percentile(times.slice(1), 0.5)),
    "later ones, worst": ms(Math.max(...times.slice(1))),
  });
}

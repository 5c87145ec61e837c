/**
 * `deno task bench [WORKLOAD [NUMBER...]]...`: runs the workloads named, or all, and prints their figures with the
 * machine that they were taken on. Compare figures within one run only.
 */
import { archive } from "./archive.ts";
import { engines } from "./engine.ts";
import { file } from "./file.ts";
import { groups } from "./groups.ts";
import { peers } from "./peers.ts";
import { machine } from "./report.ts";
import { screen } from "./screen.ts";
import { send } from "./send.ts";
import { group, idle, messages, ready } from "./wire.ts";

const workloads: Readonly<Record<string, (...numbers: number[]) => Promise<void>>> = {
  ready,
  messages,
  group,
  idle,
  engines,
  archive,
  file,
  groups,
  peers,
  screen,
  send,
};

console.log(await machine());
const [name, ...numbers] = Deno.args;
const chosen = name === undefined ? Object.keys(workloads) : [name];
for (const one of chosen) {
  const run = Object.hasOwn(workloads, one) ? workloads[one] : undefined;
  if (run === undefined) {
    console.error(`There is no workload ${one}: ${Object.keys(workloads).join(", ")}.`);
    Deno.exit(2);
  }
  await run(...numbers.map(Number));
}

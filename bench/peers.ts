/** Linked servers: messages to people of another server beside those to people of the same, and how an outbox empties. */
import { House, linkHouses } from "../tests/server/federation/kit.ts";
import { report, usage } from "./report.ts";
import { begin } from "./wire.ts";

/** What every round is: pairs, messages of each on their way, seconds. */
const load = [10, 64, 3];

/** Who writes: those whose server orders the conversation, or those whose server follows. */
type Way = "pairs" | "back";

/** Messages that are delivered in a second between accounts of `from`, which began to write, and accounts of `to`. */
async function rateOf(from: House, to: House, way: Way = "pairs") {
  const elsewhere = from === to ? undefined : { server: to.server, name: to.name };
  await using generator = await begin(from.server, way, load, elsewhere);
  await generator.tell({});
  await generator.hear();
  const before = await cpuOf(from, to);
  const result = await generator.hear();
  const after = await cpuOf(from, to);
  const { delivered = 0, seconds = 1, disordered = 0, p50 = 0, p99 = 0 } = result;
  const rate = delivered / seconds;
  const cpu = after.map((each, at) => (each - (before[at] ?? 0)) * 1e6 / delivered);
  return { rate, disordered, p50, p99, cpu };
}

async function cpuOf(...houses: House[]): Promise<number[]> {
  const used: number[] = [];
  for (const { server } of new Set(houses)) used.push((await usage(server.process.pid)).cpu);
  return used;
}

/** Local and forwarded messages in turn, so that what else the machine does concerns both. */
async function forwarded(rounds: number): Promise<void> {
  const best = { local: 0, forwarded: 0, back: 0 };
  const ratios: number[] = [];
  const backRatios: number[] = [];
  let localCpu: number[] = [];
  let forwardedCpu: number[] = [];
  let backCpu: number[] = [];
  let disordered = 0;
  for (let round = 0; round < rounds; round++) {
    await using mill = await House.start("mill", "--consent", "none");
    await using office = await House.start("office", "--consent", "none");
    await linkHouses(mill, office);
    const local = await rateOf(mill, mill);
    const across = await rateOf(mill, office);
    const back = await rateOf(mill, office, "back");
    ratios.push(across.rate / local.rate);
    backRatios.push(back.rate / local.rate);
    best.local = Math.max(best.local, local.rate);
    best.forwarded = Math.max(best.forwarded, across.rate);
    best.back = Math.max(best.back, back.rate);
    localCpu = local.cpu;
    forwardedCpu = across.cpu;
    backCpu = back.cpu;
    disordered += across.disordered + back.disordered;
  }
  report(`Direct messages: ${load[0]} pairs, ${load[1]} in flight, on disk before "sent"`, {
    "local, messages/s delivered": best.local.toFixed(0),
    "to another server, messages/s delivered": best.forwarded.toFixed(0),
    "ratio of each round": percent(ratios),
    "from a server that follows, messages/s delivered": best.back.toFixed(0),
    "ratio of each round, from there": percent(backRatios),
    "out of order or twice": disordered,
    "server, CPU us per message: local": localCpu.map((us) => us.toFixed(0)).join(""),
    "the sender's, the receiver's server": forwardedCpu.map((us) => us.toFixed(0)).join(", "),
    "the hub's, the follower's when that one sends": backCpu.map((us) => us.toFixed(0)).join(", "),
  });
}

const percent = (ratios: readonly number[]) =>
  ratios.map((ratio) => `${(ratio * 100).toFixed(0)} %`).join(", ");

async function queued(house: House): Promise<number> {
  return (await house.peers())[0]?.queued ?? 0;
}

/** `count` messages wait for a server that is away; then it comes back. */
async function afterAnOutage(count: number): Promise<void> {
  await using mill = await House.start("mill", "--consent", "none");
  await using office = await House.start("office", "--consent", "none");
  await linkHouses(mill, office);
  const elsewhere = { server: office.server, name: office.name };
  await using generator = await begin(mill.server, "queued", [10, count], elsewhere);
  await office.kill();
  await generator.tell({});
  const { seconds = 1, accepted = 0 } = await generator.hear();
  const waiting = await queued(mill);
  const before = await usage(mill.server.process.pid);
  const linked = mill.says(/peer linked/);
  await office.again();
  await linked;
  const began = performance.now();
  // Asking costs the server a little: not more often than this.
  while (await queued(mill) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const ms = performance.now() - began;
  const sender = await usage(mill.server.process.pid);
  const receiver = await usage(office.server.process.pid);
  report(`Linked servers: ${waiting} messages after an outage`, {
    "accepted while it was away": `${Math.round(accepted / seconds)}/s`,
    "received afterwards": `${Math.round(waiting / ms * 1000)}/s, ${
      (ms / 1000).toFixed(1)
    } s in all`,
    "CPU of the sending server": `${(sender.cpu - before.cpu).toFixed(1)} s`,
    "CPU of the receiving server": `${receiver.cpu.toFixed(1)} s, its start included`,
  });
}

/** Both; `rounds` of messages and then an outage of `count`. */
export async function peers(rounds = 3, count = 50_000): Promise<void> {
  if (rounds > 0) await forwarded(rounds);
  if (count > 0) await afterAnOutage(count);
}

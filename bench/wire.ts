/** Workloads against a server process: how quickly it is ready, messages between pairs, idle sessions. */
import { ChildLines } from "./child_lines.ts";
import { toBase64url } from "../lib/base/bytes.ts";
import { TempFolder } from "../tests/kit/folder.ts";
import { TestServer } from "../tests/kit/server.ts";
import { percentile, report, usage } from "./report.ts";

const generatorCommand = [
  "run",
  "--quiet",
  "--no-check",
  "--allow-net",
  "--allow-read",
  "--allow-env",
];

/** A load generator as a process of its own. */
export class Generator implements AsyncDisposable {
  readonly process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ChildLines<Record<string, number>>;

  constructor(workload: string, numbers: readonly number[]) {
    const file = workload === "group" ? "./group_load.ts" : "./wire_load.ts";
    const script = decodeURIComponent(new URL(file, import.meta.url).pathname);
    this.process = new Deno.Command(Deno.execPath(), {
      args: [...generatorCommand, script, workload, ...numbers.map(String)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.process.stdin.getWriter();
    this.#output = new ChildLines(this.process.stdout);
  }

  async tell(what: object): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(what)}\n`));
  }

  /** The next line that it prints. */
  hear(): Promise<Record<string, number>> {
    return this.#output.next();
  }

  /** It ends when its input does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#output.cancel();
    await this.#input.close().catch(() => undefined);
    await this.process.status;
  }
}

/** Starts a generator and waits until it is ready; `elsewhere` is where receivers are, under its name at `server`. */
export async function begin(
  server: TestServer,
  workload: string,
  numbers: number[],
  elsewhere?: { readonly server: TestServer; readonly name: string },
): Promise<Generator> {
  const generator = new Generator(workload, numbers);
  const second = elsewhere === undefined
    ? {}
    : { elsewhere: { server: await addressOf(elsewhere.server), name: elsewhere.name } };
  await generator.tell({ ...await addressOf(server), ...second });
  await generator.hear();
  return generator;
}

async function addressOf(server: TestServer) {
  const { host, port, identity, authority } = await server.pinned();
  return { host, port, authority, identity: toBase64url(identity) };
}

/** From the start of the process to the line that says "ready", on a data folder that exists. */
export async function ready(rounds = 5): Promise<void> {
  await using home = await TempFolder.make();
  const took: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const began = performance.now();
    await using server = await TestServer.start({ home: home.path });
    if (round > 0) took.push(performance.now() - began);
    await server.stop();
  }
  report("Ready for the first login (second start on)", {
    "median ms": percentile(took, 0.5).toFixed(0),
    "slowest ms": Math.max(...took).toFixed(0),
  });
}

/** W1: pairs of one sender and one receiver, each with so many messages in flight, durable and signed. */
export async function messages(count = 10, inFlight = 64, seconds = 5): Promise<void> {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  await using generator = await begin(server, "pairs", [count, inFlight, seconds]);
  await generator.tell({});
  await generator.hear();
  const cpu = async () => [
    (await usage(server.process.pid)).cpu,
    (await usage(generator.process.pid)).cpu,
  ];
  const [server0 = 0, generator0 = 0] = await cpu();
  const result = await generator.hear();
  const [server1 = 0, generator1 = 0] = await cpu();
  const time = result.seconds ?? 1;
  const rate = (result.delivered ?? 0) / time;
  const share = (generator1 - generator0) / time;
  report(`W1: ${count} pairs, ${inFlight} in flight, 600-byte ciphertexts, on disk before "sent"`, {
    "messages/s delivered": rate.toFixed(0),
    "accepted after, ms": `p50 ${result.p50?.toFixed(1)}, p99 ${result.p99?.toFixed(1)}`,
    "out of order or twice": result.disordered ?? 0,
    "server, cores": ((server1 - server0) / time).toFixed(2),
    "server, CPU us per message": ((server1 - server0) * 1e6 / time / rate).toFixed(0),
    "generator, cores": share.toFixed(2),
    "the generator was the limit": share > 0.9 ? "perhaps: it used a whole core" : "no",
  });
}

/** W4: one group of so many devices, all online: growing to it, and its messages on their way to everybody. */
export async function group(members = 100, rounds = 50): Promise<void> {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  await using generator = await begin(server, "group", [members, rounds]);
  const grown = await generator.hear();
  const before = await usage(server.process.pid);
  await generator.tell({});
  const result = await generator.hear();
  const after = await usage(server.process.pid);
  const devices = grown.devices ?? 0;
  report(`W4: a group of ${devices} devices of ${members} accounts, all online`, {
    [`adding ${members - 1} members, ms`]: (grown.addMs ?? 0).toFixed(0),
    "of that: claiming, building, accepted": [grown.claimMs, grown.buildMs, grown.commitMs]
      .map((ms) => ms?.toFixed(0)).join(", "),
    "sizes of commit, welcome, group info, KB": [grown.commit, grown.welcome, grown.info]
      .map((bytes = 0) => (bytes / 1000).toFixed(0)).join(", "),
    "sent to got, ms": `p50 ${result.p50?.toFixed(1)}, p99 ${result.p99?.toFixed(1)}`,
    "until the last one has it, ms": `p50 ${result.last50?.toFixed(1)}, p99 ${
      result.last99?.toFixed(1)
    }`,
    "deliveries/s, messages one after another": (result.perSecond ?? 0).toFixed(0),
    "deliveries/s, 16 messages on their way": (result.burstPerSecond ?? 0).toFixed(0),
    "server, CPU us per delivery": ((after.cpu - before.cpu) * 1e6 / (result.deliveries ?? 1))
      .toFixed(0),
  });
}

/** W5: memory of idle sessions, and logins per second. */
export async function idle(count = 2000): Promise<void> {
  await using home = await TempFolder.make();
  await using server = await TestServer.start({ home: home.path });
  await using generator = await begin(server, "idle", [count]);
  const before = await usage(server.process.pid);
  await generator.tell({});
  const { sessions = 0, loginsPerSecond = 0 } = await generator.hear();
  // What the logins left behind is garbage, which the runtime collects once the process is idle.
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  const after = await usage(server.process.pid);
  report(`W5: ${sessions} idle sessions`, {
    "KB of server memory each": ((after.memory - before.memory) / sessions / 1000).toFixed(1),
    "server memory in all, MB": (after.memory / 1e6).toFixed(0),
    "device logins/s (16 at once)": loginsPerSecond.toFixed(0),
  });
}

/** One file between two full clients, each in a process of its own, and a chat beside it. */
import { encodeFacts } from "../tests/client/engine/kit.ts";
import type { Engine } from "../client/engine/api.ts";
import { Village } from "../tests/client/engine/village.ts";
import { percentile, report, usage } from "./report.ts";

const permissions = ["net", "read", "write", "env", "sys"].map((one) => `--allow-${one}`);
const MiB = 1024 * 1024;

/** What one side of the transfer tells at its end. */
interface Told {
  readonly ms: number;
}

/** A client in a process of its own that sends or saves one file. */
class Side implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  /** The greatest resident memory seen, in bytes. */
  peak = 0;
  cpu = 0;

  constructor(args: readonly string[]) {
    const script = decodeURIComponent(new URL("./file_side.ts", import.meta.url).pathname);
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", ...permissions, script, ...args],
      stdin: "null",
      stdout: "piped",
    }).spawn();
  }

  /** Resolves with what it told when it has ended. Watches its memory, and the server's, meanwhile. */
  async done(server: { readonly pid: number; peak: number }): Promise<Told> {
    const timer = setInterval(async () => {
      const own = await usage(this.#child.pid).catch(() => undefined);
      this.peak = Math.max(this.peak, own?.memory ?? 0);
      // Its last reading may come when it is gone already.
      if (own !== undefined && own.cpu > this.cpu) this.cpu = own.cpu;
      const { memory } = await usage(server.pid);
      server.peak = Math.max(server.peak, memory);
    }, 50);
    const { stdout, code } = await this.#child.output();
    clearInterval(timer);
    if (code !== 0) throw new Error("a client failed");
    return JSON.parse(new TextDecoder().decode(stdout));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.status;
  }
}

/** Milliseconds until a message is on disk at the server, one after another, until `over` aborts. */
async function chat(engine: Engine, over: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  while (!over.aborted) {
    const at = performance.now();
    const { id } = await engine.send(
      { kind: "direct", name: "listener" },
      `message ${times.length}`,
    );
    await engine.waitFor(id, "sent");
    times.push(performance.now() - at);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return times;
}

async function writeFile(path: string, size: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const piece = new Uint8Array(MiB);
  for (let at = 0; at < piece.length; at += 65_536) {
    crypto.getRandomValues(piece.subarray(at, at + 65_536));
  }
  piece.set(new TextEncoder().encode("no program"));
  for (let at = 0; at < size; at += piece.length) {
    new DataView(piece.buffer).setUint32(100, at / MiB);
    for (let done = 0; done < piece.length;) done += await file.write(piece.subarray(done));
  }
}

/** `mebibytes` up and then down, the server and both sides on the same cores. */
export async function file(mebibytes = 256): Promise<void> {
  const most = `${mebibytes + 1}M`;
  await using village = await Village.make({ args: ["--max-file-size", most] });
  const [sender, receiver] = [await village.device("sender"), await village.device("receiver")];
  await village.briefly(receiver);
  await village.briefly(sender);
  const talker = await village.online("talker");
  await village.online("listener");
  const path = `${village.folder}/large.txt`;
  await writeFile(path, mebibytes * MiB);
  const server = { pid: village.server.process.pid, peak: 0 };
  const quiet = new AbortController();
  setTimeout(() => quiet.abort(), 1000);
  const alone = await chat(talker, quiet.signal);
  const figures: Record<string, string> = {};
  const mib = (bytes: number) => `${Math.round(bytes / MiB)} MiB`;
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  for (const [what, facts] of [["up", sender], ["down", receiver]] as const) {
    const over = new AbortController();
    const begun = await usage(server.pid);
    await using side = new Side([what, encodeFacts(facts), what === "up" ? path : village.folder]);
    const chatting = chat(talker, over.signal);
    const told = await side.done(server);
    over.abort();
    const times = await chatting;
    const ended = await usage(server.pid);
    figures[`${what}`] = `${(mebibytes * MiB / 1e6 / told.ms * 1000).toFixed(0)} MB/s`;
    figures[`${what}: memory of the client, at most`] = mib(side.peak);
    figures[`${what}: CPU of the client, of the server`] = `${side.cpu.toFixed(1)} s, ${
      (ended.cpu - begun.cpu).toFixed(1)
    } s`;
    figures[`${what}: message beside it until on disk, median, 99th`] = `${
      ms(percentile(times, 0.5))
    }, ${ms(percentile(times, 0.99))}`;
  }
  figures["memory of the server, at most"] = mib(server.peak);
  figures["message without a transfer, median, 99th"] = `${ms(percentile(alone, 0.5))}, ${
    ms(percentile(alone, 0.99))
  }`;
  report(`file: ${mebibytes} MiB between two full clients, one way after the other`, figures);
}

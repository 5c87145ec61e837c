/** Two full clients with MLS and stores on disk, in processes of their own: from send to shown. */
import { ChildLines } from "./child_lines.ts";
import type { Engine } from "../client/engine/api.ts";
import { type DeviceFacts, encodeFacts } from "../tests/client/engine/kit.ts";
import { Village } from "../tests/client/engine/village.ts";
import { percentile, report } from "./report.ts";

const to = { kind: "direct", name: "receiver" } as const;

const permissions = ["net", "read", "write", "env", "sys"].map((one) => `--allow-${one}`);

/** Milliseconds since 1970 with fractions: the same in all processes of a machine. */
const now = () => performance.timeOrigin + performance.now();

/** The receiving client, which tells when it showed which message. */
class Receiver implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ChildLines<{ text: string; at: number }>;

  constructor(facts: DeviceFacts) {
    const script = decodeURIComponent(new URL("./engine_receiver.ts", import.meta.url).pathname);
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", ...permissions, script, encodeFacts(facts)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#output = new ChildLines(this.#child.stdout);
  }

  /** The next line: what was shown, and when. */
  next(): Promise<{ text: string; at: number }> {
    return this.#output.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#output.cancel();
    await this.#child.stdin.close();
    await this.#child.status;
  }
}

/** Sends `count` messages, each `gapMs` after the one before, and returns the times from send to shown. */
async function run(
  sender: Engine,
  receiver: Receiver,
  { count, gapMs }: { readonly count: number; readonly gapMs: number },
): Promise<{ times: number[]; all: number }> {
  const begun = now();
  const sent = new Map<string, number>();
  const sending = (async () => {
    for (let at = 0; at < count; at++) {
      const wait = begun + at * gapMs - now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const text = `${begun} ${at}`;
      sent.set(text, now());
      await sender.send(to, text);
    }
  })();
  const times: number[] = [];
  let last = begun;
  for (let at = 0; at < count; at++) {
    const { text, at: shown } = await receiver.next();
    times.push(shown - (sent.get(text) ?? NaN));
    last = shown;
  }
  await sending;
  return { times, all: last - begun };
}

/** Messages at a steady rate, then a burst. */
export async function engines(perSecond = 100, seconds = 10, burst = 1000): Promise<void> {
  await using village = await Village.make();
  const facts = await village.device("receiver");
  await using receiver = new Receiver(facts);
  await receiver.next();
  const sender = await village.online("sender");
  await sender.send(to, "hello");
  await receiver.next();

  const steady = { count: perSecond * seconds, gapMs: 1000 / perSecond };
  const { times } = await run(sender, receiver, steady);
  const { all } = await run(sender, receiver, { count: burst, gapMs: 0 });
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  report(
    `engine: two full clients, ${perSecond} messages/s for ${seconds} s, then ${burst} at once`,
    {
      "send to shown, median": ms(percentile(times, 0.5)),
      "send to shown, 99th percentile": ms(percentile(times, 0.99)),
      [`burst of ${burst}, all shown after`]: ms(all),
    },
  );
}

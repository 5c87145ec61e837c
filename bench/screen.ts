/** The interactive client at a pseudo-terminal: many lines at once, and keys while messages arrive. */
import { TempFolder } from "../tests/kit/folder.ts";
import { commandLine, type Running } from "../tests/kit/program.ts";
import { Town } from "../tests/kit/story.ts";
import { Pty } from "./pty.ts";
import { percentile, report, usage } from "./report.ts";

const size = { columns: 100, rows: 30 };
const permissions = ["read", "write", "env", "run", "sys"].map((one) => `--allow-${one}`);
const quoted = (words: readonly string[]) =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");

/** `lines` at once, then `keys` presses while `perSecond` messages arrive each second. */
export async function screen(lines = 20_000, keys = 200, perSecond = 200): Promise<void> {
  await manyLines(lines);
  await keysMeanwhile(keys, perSecond);
}

async function manyLines(count: number): Promise<void> {
  await using folder = await TempFolder.make();
  const told = `${folder.path}/told.json`;
  const script = decodeURIComponent(new URL("./screen_side.ts", import.meta.url).pathname);
  const config = decodeURIComponent(new URL("../deno.json", import.meta.url).pathname);
  const words = [Deno.execPath(), "run", "--quiet", "--no-check", "--config", config];
  const env = { HOME: folder.path, DENO_DIR: denoFolder() };
  await using pty = new Pty(
    quoted([...words, ...permissions, script, String(count), told]),
    { ...size, env },
  );
  const end = performance.timeOrigin + await pty.writes(`number ${count - 1} says`);
  const { pid, begun } = JSON.parse(await written(told));
  const { memory, cpu } = await usage(pid);
  report(`screen: ${count} lines at once`, {
    "all shown after": `${(end - begun).toFixed(0)} ms`,
    "memory of the process": `${(memory / 1e6).toFixed(0)} MB`,
    "CPU of the process, its start included": `${cpu.toFixed(1)} s`,
  });
}

async function keysMeanwhile(count: number, perSecond: number): Promise<void> {
  await using town = await Town.make();
  const ann = await town.resident("ann");
  const bob = await town.resident("bob");
  await using other = await bob.online();
  const env = { HOME: ann.home, SEALPOST_HOME: ann.home, DENO_DIR: denoFolder() };
  await using pty = new Pty(quoted(commandLine(["client", "--user", "ann"])), { ...size, env });
  await pty.writes("online 10.8.");
  await other.type("@ann the first one");
  await pty.writes("the first one");
  const quiet = await pressKeys(pty, Math.ceil(count / 4));
  const flood = new Flood(other, perSecond);
  const times = await pressKeys(pty, count);
  const sent = await flood.end();
  // The last one shows that nothing has piled up behind the screen.
  const waited = performance.now();
  const shown = pty.writes("the very last one");
  await other.type("@ann the very last one");
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  report(`screen: ${count} keys while ${perSecond} messages arrive each second`, {
    "messages sent in a second": sent.toFixed(0),
    "key to screen, median": ms(percentile(times, 0.5)),
    "key to screen, 90th percentile": ms(percentile(times, 0.9)),
    "key to screen, 99th percentile": ms(percentile(times, 0.99)),
    "key to screen when nothing arrives, median": ms(percentile(quiet, 0.5)),
    "behind at the end": ms(await shown - waited),
  });
}

/** Presses a key each 30 ms or so; milliseconds until each was on the screen. */
async function pressKeys(pty: Pty, count: number): Promise<number[]> {
  const times: number[] = [];
  let draft = "";
  for (let at = 0; at < count; at++) {
    const key = String.fromCharCode(97 + draft.length);
    draft += key;
    const shown = pty.writes(`#lobby> ${draft}\x1b`);
    const begun = performance.now();
    await pty.press(key);
    times.push(await shown - begun);
    if (draft.length === 26 || at === count - 1) {
      const emptied = pty.writes("#lobby>\x1b");
      await pty.press("\x15");
      await emptied;
      draft = "";
    }
    await new Promise((resolve) => setTimeout(resolve, 23 + at % 13));
  }
  return times;
}

/** Private messages of somebody at a steady rate. */
class Flood {
  #over = false;
  #sent = 0;
  readonly #begun = performance.now();
  readonly #done: Promise<void>;

  constructor(from: Running, perSecond: number) {
    this.#done = this.#run(from, perSecond);
  }

  /** Ends it; messages in a second. */
  async end(): Promise<number> {
    this.#over = true;
    const took = performance.now() - this.#begun;
    await this.#done;
    return this.#sent / took * 1000;
  }

  async #run(from: Running, perSecond: number): Promise<void> {
    while (!this.#over) {
      const due = Math.floor((performance.now() - this.#begun) / 1000 * perSecond) - this.#sent;
      for (let at = 0; at < due; at++) {
        await from.type(`@ann number ${++this.#sent} of many that come`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
    }
  }
}

/** The text of a file that is being written. */
async function written(path: string): Promise<string> {
  for (;;) {
    const text = await Deno.readTextFile(path).catch(() => "");
    if (text.endsWith("}")) return text;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Where Deno keeps packages: not to be fetched again for every home. */
function denoFolder(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME") ?? ""}/.cache/deno`;
}

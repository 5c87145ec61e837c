/**
 * The README's transcripts, replayed line by line: what it says is typed goes into real terminals of a server, two people
 * and a script, and what they show must be what it shows.
 */
import assert from "node:assert/strict";
import { goodPassword } from "../kit/story.ts";
import { Empty } from "./executable.ts";
import { Terminal } from "./terminal.ts";
import { type Block, blocksOf, Likeness, promptOf } from "./transcript.ts";

const root = new URL("../../", import.meta.url);

/** Wide enough that no line of the transcripts wraps; the capture has the size that stands with it. */
const wide = { columns: 140, rows: 50 };

/** The port of the README, where it is one. */
const writtenPort = /(?<=localhost[: ]|\.sh |port=|\d:|\]:)5000\b/g;

/** What a chat shows of a message: by whom, and the text with its receiver. */
const saidLine = /^[\d: -]{19} (\w+): (.*)$/;

/**
 * A port that nobody listens on, below those that a system hands out by itself (Linux: from 32768): until the server has
 * started nobody is given it.
 */
function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "0.0.0.0", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Somebody's terminal, in a folder with the executable beside the start scripts. */
class Seat implements AsyncDisposable {
  /** What it has to show by now, the prompt that waits for input left out. */
  #expected: string[] = [];
  #likeness: Likeness;
  #port: number;

  private constructor(
    readonly who: string,
    readonly place: Empty,
    readonly terminal: Terminal,
    common: { likeness: Likeness; port: number },
  ) {
    this.#likeness = common.likeness;
    this.#port = common.port;
  }

  static async take(who: string, common: { likeness: Likeness; port: number }): Promise<Seat> {
    const place = await Empty.make();
    await Deno.mkdir(`${place.folder}/scripts`);
    for (const file of ["startServer.sh", "startClient.sh", "scripts/launch.sh"]) {
      await Deno.copyFile(new URL(file, root), `${place.folder}/${file}`);
    }
    return new Seat(who, place, await Terminal.open(place.folder, wide), common);
  }

  /** Types what a block says and waits for each line that it shows; `typed` hears of each line that was typed. */
  async replay(block: Block, typed: (line: string) => Promise<void>): Promise<void> {
    for (const [at, written] of block.lines.entries()) {
      const line = written.replaceAll(writtenPort, String(this.#port));
      const prompt = promptOf(line);
      if (prompt === undefined) {
        this.#expected.push(line);
        continue;
      }
      await this.reaches([...this.#expected, prompt.shown]);
      // Whatever is said before shows as queued.
      if (prompt.kind === "chat") await this.terminal.shows(/^\w+ · online\b/);
      if (at === block.lines.length - 1) return;
      if (prompt.typed === "^D") await this.terminal.press("C-d");
      else await this.terminal.enter(prompt.kind === "secret" ? goodPassword : prompt.typed);
      // A chat takes its prompt away; whatever else was typed stays where it is.
      if (prompt.kind !== "chat") this.#expected.push(line);
      await typed(prompt.typed);
    }
    await this.reaches(this.#expected);
  }

  /** Shows what the capture shows: those who say something there say it, the last row is only typed. */
  async pose(block: Block, seats: ReadonlyMap<string, Seat>): Promise<void> {
    for (const line of block.lines) {
      const [, who, text] = saidLine.exec(line) ?? [];
      if (who === undefined || text === undefined) continue;
      await seats.get(who)?.terminal.enter(text);
      await this.terminal.shows(`${who}: ${text}`);
    }
    const draft = block.lines.map(promptOf).findLast((prompt) => prompt?.kind === "chat");
    await this.terminal.type(draft?.typed ?? "");
    await this.#awaits(block.lines, () => this.terminal.screen());
  }

  /** Waits until a line that ends so has come, wherever it stands by now. */
  async hears(end: string): Promise<void> {
    await this.terminal.waitFor(
      async () => (await this.terminal.scrollback()).some((row) => row.endsWith(end)) || undefined,
      `show "${end}"`,
    );
  }

  /** Waits until the terminal shows these lines and nothing else, but for the status row of a chat. */
  async reaches(lines: readonly string[]): Promise<void> {
    await this.#awaits(lines, async () => {
      const rows = (await this.terminal.scrollback()).filter((row) => row.trim() !== "");
      if (/^\w+ · /.test(rows.at(-1) ?? "")) rows.pop();
      return rows;
    });
  }

  /** Waits; when it does not come about, fails with both sides. */
  async #awaits(lines: readonly string[], look: () => Promise<string[]>): Promise<void> {
    const shown = async () => {
      const rows = (await look()).map((row) =>
        row.trimEnd().replaceAll(this.place.folder, `/home/${this.who}`)
      );
      return rows.slice(0, rows.findLastIndex((row) => row !== "") + 1);
    };
    try {
      const same = async () => this.#likeness.fits(lines, await shown()) || undefined;
      await this.terminal.waitFor(same, "show what the README shows");
    } catch {
      this.#likeness.check(lines, await shown());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminal[Symbol.asyncDispose]();
    await this.place[Symbol.asyncDispose]();
  }
}

Deno.test("what the README shows of the first five minutes is what terminals show", async () => {
  const blocks = blocksOf(await Deno.readTextFile(new URL("README.md", root)));
  assert.ok(blocks.length > 5 && blocks.some(({ size }) => size !== undefined));
  const common = { likeness: new Likeness(), port: freePort() };
  await using stack = new AsyncDisposableStack();
  const seats = new Map<string, Seat>();
  for (const { who } of blocks) {
    if (!seats.has(who)) seats.set(who, stack.use(await Seat.take(who, common)));
  }
  // What two people say one after the other reaches a third in any order, unless the second one waits for it.
  const told = async (who: string, typed: string) => {
    for (const block of blocks) {
      if (block.who === who || block.size !== undefined) continue;
      for (const line of block.lines) {
        const [, by, text] = saidLine.exec(line) ?? [];
        if (by !== who || text === undefined || !typed.includes(text)) continue;
        await seats.get(block.who)?.hears(`${by}: ${text}`);
      }
    }
  };
  for (const block of blocks) {
    const seat = seats.get(block.who);
    assert.ok(seat !== undefined);
    if (block.size === undefined) {
      await seat.replay(block, (typed) => told(block.who, typed));
      continue;
    }
    // A fresh sight of the chat, at the size of the capture.
    await seat.terminal.press("C-d");
    await seat.terminal.shows(/^\$ *$/);
    await seat.terminal.resize(block.size);
    await seat.terminal.enter(
      `clear; NO_COLOR=1 ./startClient.sh localhost ${common.port} --utc`,
    );
    await seat.terminal.shows(/^Username \[\w+\]: *$/);
    await seat.terminal.press("Enter");
    await seat.terminal.shows(/^Password: *$/);
    await seat.terminal.enter(goodPassword);
    await seat.terminal.shows(/ online\b/);
    await seat.terminal.press("C-l");
    await seat.terminal.waitFor((rows) => /^[#@]\w+>/.test(rows[0] ?? "") || undefined);
    await seat.pose(block, seats);
  }

  // The digits that the README has erik read out are the ones that the script's owner sees.
  const digits = blocks.flatMap(({ lines }) => lines).filter((row) => /^safety number /.test(row));
  const erik = seats.get("erik")?.terminal;
  await erik?.enter("/key bot");
  common.likeness.check(digits, [await erik?.shows(/^safety number /) ?? ""]);
});

Deno.test("a transcript with another word, line, order or identity is not alike", () => {
  const print = (digit: string) => Array(16).fill(digit.repeat(4)).join(" ");
  const lines = [
    "2026-11-21 09:30:00 sam: hello",
    `Fingerprint:  ${print("a")}`,
    `sealpost://192.0.2.2:5000/#${"a".repeat(64)}`,
  ] as const;
  const other = [
    "2031-01-01 00:00:00 sam: hello",
    `Fingerprint:  ${print("b")}`,
    `sealpost://198.51.100.7:5000/#${"b".repeat(64)}`,
  ] as const;
  assert.ok(new Likeness().fits(lines, other));
  const wrong: readonly (readonly string[])[] = [
    ["2031-01-01 00:00:00 sam: hullo", other[1], other[2]],
    ["2031-01-01 00:00:00", other[1], other[2]],
    [other[0], other[1]],
    [...other, "more"],
    [other[1], other[0], other[2]],
    [other[0], other[1], lines[2]],
    [other[0], `Fingerprint:  ${print("b").slice(5)}`, other[2]],
  ];
  for (const shown of wrong) {
    assert.ok(!new Likeness().fits(lines, shown), shown.join("\n"));
    assert.throws(() => new Likeness().check(lines, shown), assert.AssertionError);
  }
});

/**
 * Random days of two people with several devices: devices come and go, are added, revoked, put back to an older copy;
 * messages are sent, changed, deleted and reacted to meanwhile. In the end every device shows the same, once.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChatMessage, Engine } from "../../../client/engine/api.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { type DeviceFacts, patience } from "./kit.ts";
import { FaultProxy } from "./proxy.ts";
import { Village } from "./village.ts";

const names = ["alice", "bobby"] as const;
type Name = typeof names[number];
const mostDevices = 3;

/** `at` chooses among the devices, or the lines, that there are. */
type Happening =
  | { readonly kind: "send" | "edit" | "delete" | "react"; readonly device: number; at: number }
  | {
    readonly kind: "come" | "go" | "vanish" | "copy" | "put back" | "revoke";
    readonly device: number;
  }
  | { readonly kind: "both"; readonly name: Name }
  | { readonly kind: "enrol"; readonly name: Name }
  | { readonly kind: "cut" | "kill" };

const device = fc.nat({ max: 5 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...["send", "send", "send", "edit", "edit", "delete", "react"] as const,
      ),
      device,
      at: fc.nat({ max: 20 }),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...["come", "come", "go", "vanish", "copy", "put back", "revoke"] as const,
      ),
      device,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("both" as const, "enrol" as const),
      name: fc.constantFrom(...names),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("cut" as const, "kill" as const) }) },
);

interface Owned {
  readonly owner: Name;
  facts: DeviceFacts;
  engine?: Engine;
  started?: boolean;
  revoked?: boolean;
  copy?: DeviceFacts;
  /** Was put back once: what it had not sent or archived by then is gone for it. */
  old?: boolean;
}

const other = (name: Name): Name => name === "alice" ? "bobby" : "alice";
const to = (name: string) => ({ kind: "direct", name }) as const;

class Day {
  readonly devices: Owned[] = [];
  readonly #village: Village;
  readonly #proxy: FaultProxy;
  #said = 0;

  constructor(village: Village, proxy: FaultProxy) {
    this.#village = village;
    this.#proxy = proxy;
  }

  async enrol(owner: Name): Promise<void> {
    if (this.#of(owner).length >= mostDevices) return;
    const facts = await this.#village.device(owner);
    this.devices.push({ owner, facts });
  }

  #of(name: Name): Owned[] {
    return this.devices.filter(({ owner, revoked }) => owner === name && !revoked);
  }

  engine(of: Owned): Engine {
    return of.engine ??= this.#village.engine(of.facts, { port: this.#proxy.port });
  }

  async come(of: Owned): Promise<void> {
    const engine = this.engine(of);
    if (of.started) return;
    of.started = true;
    await engine.start({ receive: true, keepTrying: true });
  }

  async #go(of: Owned, drainMs: number): Promise<void> {
    await of.engine?.stop({ drainMs });
    delete of.engine;
    of.started = false;
  }

  async happens(what: Happening): Promise<void> {
    if (what.kind === "cut") return this.#proxy.cutNow();
    if (what.kind === "kill") {
      await this.#village.server.stop("SIGKILL");
      return await this.#village.restart();
    }
    if (what.kind === "enrol") return await this.enrol(what.name);
    if (what.kind === "both") {
      return void await Promise.all(this.#of(what.name).map((one) => this.send(one)));
    }
    if (!("device" in what)) return;
    const present = this.devices.filter(({ revoked }) => !revoked);
    const one = present[what.device % present.length];
    if (one === undefined) return;
    switch (what.kind) {
      case "send":
        return void await this.send(one);
      case "come":
        return await this.come(one);
      case "go":
        return await this.#go(one, 5000);
      case "vanish":
        return await this.#go(one, 0);
      case "copy":
        return await this.#copy(one);
      case "put back":
        return await this.#putBack(one);
      case "revoke":
        return await this.#revoke(one);
      case "edit":
      case "delete":
      case "react":
        return await this.#change(one, what.kind, what.at);
    }
  }

  async send(one: Owned): Promise<string> {
    const text = `message ${this.#said++} of ${one.owner}`;
    await this.engine(one).send(to(other(one.owner)), text);
    return text;
  }

  async #change(one: Owned, kind: "edit" | "delete" | "react", at: number): Promise<void> {
    const engine = this.engine(one);
    const lines = (await engine.history({ target: to(other(one.owner)) }))
      .filter((line) => line.kind === "text" && !line.deleted && (kind === "react" || line.own));
    const line = lines[at % Math.max(1, lines.length)];
    if (line === undefined) return;
    try {
      if (kind === "edit") await engine.content.edit(line.id, `changed ${this.#said++}`);
      else if (kind === "delete") await engine.content.remove(line.id);
      else await engine.content.react(line.id, ["👍", "🎉"][at % 2] ?? "👍");
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code === "internal") throw thrown;
    }
  }

  /** Only what has no unsent words in it: those would be lost with it. */
  async #copy(one: Owned): Promise<void> {
    await this.#go(one, 60_000);
    const folder = `${one.facts.folder}-${crypto.randomUUID()}`;
    try {
      await Deno.mkdir(folder);
      for await (const { name } of Deno.readDir(one.facts.folder)) {
        await Deno.copyFile(`${one.facts.folder}/${name}`, `${folder}/${name}`);
      }
    } catch (thrown) {
      // It has not begun yet.
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      return;
    }
    one.copy = { ...one.facts, folder, instance: crypto.randomUUID() };
  }

  async #putBack(one: Owned): Promise<void> {
    if (one.copy === undefined) return;
    await this.#go(one, 5000);
    one.facts = one.copy;
    one.old = true;
    delete one.copy;
  }

  async #revoke(one: Owned): Promise<void> {
    const [by] = this.#of(one.owner).filter((each) =>
      each !== one && each.engine?.connection().kind === "online"
    );
    if (by === undefined) return;
    await this.#go(one, 5000);
    try {
      await this.engine(by).revokeDevice(this.engine(one).self.device);
      one.revoked = true;
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.retry === "never") throw thrown;
    }
    await this.#go(one, 0);
  }
}

/** What a line says, whichever device shows it. */
function shown({ id, kind, text, from, deleted, edited, reactions }: ChatMessage) {
  const marks = (reactions ?? []).map(({ from, emoji }) => `${from}${emoji}`).sort().join();
  return [id, kind, from, text, deleted ? "deleted" : edited ? "edited" : "", marks].join("|");
}

async function check(day: Day): Promise<void> {
  const present = day.devices.filter(({ revoked }) => !revoked);
  const engines = present.map((one) => day.engine(one));
  for (const one of present) await day.come(one);
  for (const engine of engines) await engine.caughtUp(patience());
  const last: string[] = [];
  for (const one of present) last.push(await day.send(one));
  const late = patience();
  for (;;) {
    // What was said before a device was in the conversation comes from the archive.
    for (const engine of engines) {
      if (engine.connection().kind === "online") await settled(engine);
    }
    const wrong = await difference(present, day, last);
    if (wrong === undefined) return;
    if (late.aborted) assert.fail(wrong);
    const changed = Promise.withResolvers<void>();
    const stops = engines.map((engine) => engine.subscribe(() => changed.resolve()));
    const timer = setTimeout(() => changed.resolve(), 500);
    await changed.promise;
    clearTimeout(timer);
    for (const stop of stops) stop();
  }
}

async function settled(engine: Engine): Promise<void> {
  try {
    await engine.archive.settled(patience());
  } catch (thrown) {
    // The line has broken meanwhile.
    if (!(thrown instanceof AppError) || thrown.retry === "never") throw thrown;
  }
}

async function difference(
  present: readonly Owned[],
  day: Day,
  last: readonly string[],
): Promise<string | undefined> {
  let first: { of: string; lines: string } | undefined;
  for (const [at, one] of present.entries()) {
    const all = await day.engine(one).history({ target: to(other(one.owner)) });
    // What was deleted before a device came is nowhere to come from, not even as a deleted line.
    // A change that a newcomer could not read stays a line there while its author's device is gone: only texts count.
    const lines = all.filter(({ kind, deleted }) => kind === "text" && !deleted);
    const of = `device ${at} of ${one.owner}${one.old ? " (put back)" : ""}`;
    if (new Set(lines.map(({ id }) => id)).size < lines.length) return `${of} has something twice`;
    if (!last.every((text) => lines.some((line) => line.text === text))) {
      return `${of} lacks the end`;
    }
    if (one.old) continue;
    const now = { of, lines: lines.map(shown).sort().join("\n") };
    first ??= now;
    if (first.lines !== now.lines) {
      return `${first.of}:\n${first.lines}\n${now.of}:\n${now.lines}`;
    }
  }
  return undefined;
}

Deno.test("whatever happens to their devices, all of them show the same of two people's messages in the end", async () => {
  const runs = Number(Deno.env.get("WEATHER_RUNS") ?? 2);
  const days = fc.array(happening, { minLength: 8, maxLength: 28 });
  await fc.assert(
    fc.asyncProperty(days, async (happenings) => {
      await using village = await Village.make();
      await using proxy = await FaultProxy.start(village.pinned.port);
      const day = new Day(village, proxy);
      for (const name of ["alice", "alice", "bobby"] as const) await day.enrol(name);
      for (const one of day.devices) await day.come(one);
      for (const one of day.devices) await day.engine(one).caughtUp(patience());
      for (const what of happenings) await day.happens(what);
      await check(day);
    }),
    { numRuns: runs, endOnFailure: true },
  );
});

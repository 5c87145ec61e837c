/**
 * Random days in a small village: devices come and go, keys change, lines break, the server is killed; in the end everybody
 * has read everything, once.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Engine } from "../../../client/engine/api.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { type DeviceFacts, patience, until } from "./kit.ts";
import { FaultProxy } from "./proxy.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

/** Alice has two devices, the others one each. */
const owners = ["alice", "alice", "bobby", "carol"] as const;
const names = ["alice", "bobby", "carol"] as const;

/** One thing that happens; what makes no sense at that moment does nothing. */
type Happening =
  | { readonly kind: "send" | "rekey"; readonly device: number; readonly to: number }
  | { readonly kind: "come" | "go" | "vanish"; readonly device: number }
  | { readonly kind: "cut" | "kill" };

const device = fc.nat({ max: owners.length - 1 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("send" as const), device, to: fc.nat({ max: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("rekey" as const), device, to: fc.nat({ max: 2 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom("come" as const, "go" as const, "vanish" as const),
      device,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("cut" as const, "cut" as const, "kill" as const),
    }),
  },
);

interface Said {
  readonly text: string;
  readonly from: string;
  readonly to: string;
  readonly id: string;
  readonly device: number;
}

/** The devices of one day, and what was said. */
class Day {
  readonly said: Said[] = [];
  readonly #village: Village;
  readonly #proxy: FaultProxy;
  readonly #facts: readonly DeviceFacts[];
  readonly #engines: (Engine | undefined)[] = [];
  readonly #started = new WeakSet<Engine>();

  constructor(village: Village, proxy: FaultProxy, facts: readonly DeviceFacts[]) {
    this.#village = village;
    this.#proxy = proxy;
    this.#facts = facts;
  }

  engine(device: number): Engine {
    const facts = this.#facts[device];
    if (facts === undefined) throw new RangeError("no such device");
    return this.#engines[device] ??= this.#village.engine(facts, { port: this.#proxy.port });
  }

  async happens(what: Happening): Promise<void> {
    if (what.kind === "send") return await this.#send(what.device, names[what.to] ?? "alice");
    if (what.kind === "rekey") return await this.#rekey(what.device, names[what.to] ?? "alice");
    if (what.kind === "come") return await this.come(what.device);
    if (what.kind === "cut") return this.#proxy.cutNow();
    if (!("device" in what)) return await this.#kill();
    await this.#engines[what.device]?.stop({ drainMs: what.kind === "go" ? 5000 : 0 });
    this.#engines[what.device] = undefined;
  }

  async come(device: number): Promise<void> {
    if (this.#started.has(this.engine(device))) return;
    this.#started.add(this.engine(device));
    await this.engine(device).start({ receive: true, keepTrying: true });
  }

  async #kill(): Promise<void> {
    await this.#village.server.stop("SIGKILL");
    await this.#village.restart();
  }

  async #send(device: number, name: string): Promise<void> {
    const text = `message ${this.said.length}`;
    const { id } = await this.engine(device).send(to(name), text);
    this.said.push({ text, id, device, from: owners[device] ?? "", to: name });
  }

  async #rekey(device: number, name: string): Promise<void> {
    if (this.engine(device).connection().kind !== "online") return;
    try {
      await this.engine(device).rekey(to(name));
    } catch (thrown) {
      // The line broke meanwhile.
      if (!(thrown instanceof AppError) || thrown.retry === "never") throw thrown;
    }
  }
}

async function check(day: Day): Promise<void> {
  for (const device of owners.keys()) await day.come(device);
  for (const { id, device } of day.said) await day.engine(device).waitFor(id, "sent", patience());
  for (const [device, owner] of owners.entries()) {
    const engine = day.engine(device);
    const expected = day.said.filter(({ from, to }) => from === owner || to === owner)
      .map(({ text }) => text).sort();
    const what = `device ${device} of ${owner} has read everything, once`;
    let read: string[] = [];
    // What could not be read at first is said again, in its place.
    await until(engine, what, async () => {
      read = (await engine.history({})).map(({ text }) => text).sort();
      return read.join("\n") === expected.join("\n");
    }).catch(() => assert.deepEqual(read, expected, what));
  }
}

Deno.test("whoever comes and goes, everybody has read every message once in the end", async () => {
  const runs = Number(Deno.env.get("WEATHER_RUNS") ?? 2);
  const days = fc.array(happening, { minLength: 6, maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(days, async (happenings) => {
      await using village = await Village.make();
      await using proxy = await FaultProxy.start(village.pinned.port);
      const facts: DeviceFacts[] = [];
      for (const owner of owners) facts.push(await village.device(owner));
      for (const each of facts) await village.briefly(each);
      const day = new Day(village, proxy, facts);
      for (const what of happenings) await day.happens(what);
      await check(day);
    }),
    { numRuns: runs },
  );
});

/**
 * Random days of a group: members come and go, are added, removed, promoted and leave, names and keys change, two admins do
 * so at once, lines break, the server is killed. In the end all who are in it are in one group, and everybody has exactly
 * what was said while they were members, once.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Engine } from "../../../client/engine/api.ts";
import type { GroupInfo, GroupTarget } from "../../../client/engine/api_groups.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { type DeviceFacts, patience } from "./kit.ts";
import { FaultProxy } from "./proxy.ts";
import { Village } from "./village.ts";

/** Alice makes the group and stays its owner; erik never acts: what he saw is what happened. */
const people = ["alice", "bobby", "carol", "dave", "erik"] as const;
const [owner, witness] = [0, 4];
const roles = ["owner", "admin", "member"] as const;

type Deed = "send" | "rekey" | "add" | "remove" | "role" | "rename" | "leave";
type Happening =
  | { readonly kind: Deed; readonly who: number; readonly whom: number }
  | { readonly kind: "race"; readonly deeds: readonly { kind: Deed; who: number; whom: number }[] }
  | { readonly kind: "come" | "go" | "vanish"; readonly who: number }
  | { readonly kind: "cut" | "kill" };

const acting = fc.nat({ max: 3 });
const deed = fc.record({
  kind: fc.constantFrom<Deed>(
    ...["send", "send", "send", "send", "rekey", "add", "add", "remove", "role", "rename"] as const,
    "leave",
  ),
  who: fc.oneof({ weight: 1, arbitrary: fc.constant(owner) }, { weight: 2, arbitrary: acting }),
  whom: fc.integer({ min: 1, max: 3 }),
});
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: deed },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("race" as const),
      deeds: fc.array(deed, { minLength: 2, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("come" as const, "go" as const, "vanish" as const),
      who: fc.nat({ max: people.length - 1 }),
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
  readonly id: string;
  readonly who: number;
}

/** The members' devices of one day, and what was said. */
class Day {
  readonly said: Said[] = [];
  readonly #village: Village;
  readonly #proxy: FaultProxy;
  readonly #facts: readonly DeviceFacts[];
  readonly #engines: (Engine | undefined)[] = [];
  readonly #started = new WeakSet<Engine>();
  #count = 0;
  id = "";

  constructor(village: Village, proxy: FaultProxy, facts: readonly DeviceFacts[]) {
    this.#village = village;
    this.#proxy = proxy;
    this.#facts = facts;
  }

  engine(who: number): Engine {
    const facts = this.#facts[who];
    if (facts === undefined) throw new RangeError("no such device");
    return this.#engines[who] ??= this.#village.engine(facts, { port: this.#proxy.port });
  }

  get target(): GroupTarget {
    return { kind: "group", name: "team", id: this.id };
  }

  async info(who: number): Promise<GroupInfo | undefined> {
    return (await this.engine(who).groups.list()).find(({ id }) => id === this.id);
  }

  async happens(what: Happening): Promise<void> {
    if (what.kind === "race") return void await Promise.all(what.deeds.map((one) => this.#do(one)));
    if (what.kind === "cut") return this.#proxy.cutNow();
    if (what.kind === "kill") return await this.#kill();
    if (what.kind === "come") return await this.come(what.who);
    if (what.kind === "go" || what.kind === "vanish") {
      await this.#engines[what.who]?.stop({ drainMs: what.kind === "go" ? 5000 : 0 });
      this.#engines[what.who] = undefined;
      return;
    }
    if ("whom" in what) await this.#do(what);
  }

  async come(who: number): Promise<void> {
    if (this.#started.has(this.engine(who))) return;
    this.#started.add(this.engine(who));
    await this.engine(who).start({ receive: true, keepTrying: true });
  }

  async #kill(): Promise<void> {
    await this.#village.server.stop("SIGKILL");
    await this.#village.restart();
  }

  /** What is not allowed, or not possible with a broken line, does nothing. */
  async #do(what: { kind: Deed; who: number; whom: number }): Promise<void> {
    const online = this.engine(what.who).connection().kind === "online";
    if (what.kind !== "send" && what.kind !== "rename" && !online) return;
    try {
      await this.#act(what);
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      if (thrown.code === "internal") throw thrown;
    }
  }

  async #act({ kind, who, whom }: { kind: Deed; who: number; whom: number }): Promise<void> {
    const { groups } = this.engine(who);
    const name = people[whom] ?? "";
    switch (kind) {
      case "send": {
        const text = `message ${this.#count++} of ${people[who]}`;
        const { id } = await this.engine(who).send(this.target, text);
        return void this.said.push({ text, who, id });
      }
      case "rekey":
        return await this.engine(who).rekey(this.target);
      case "add":
        return void await groups.add(this.target, [name]);
      case "remove":
        return void await groups.remove(this.target, [name]);
      case "role":
        return await groups.setRole(this.target, name, roles[(who + whom) % 3] ?? "member");
      case "rename":
        return await groups.rename(this.target, `name${this.#count++}`);
      case "leave":
        return who === owner ? undefined : await groups.leave(this.target);
    }
  }
}

/** Waits until something holds, looking again whenever anything happens at one of the engines. */
async function until(
  engines: readonly Engine[],
  what: string,
  holds: () => Promise<string | undefined>,
): Promise<void> {
  const late = patience();
  for (;;) {
    const changed = Promise.withResolvers<void>();
    const stops = engines.map((engine) => engine.subscribe(() => changed.resolve()));
    const timer = setTimeout(() => changed.resolve(), 500);
    const wrong = await holds();
    if (wrong !== undefined && late.aborted) assert.fail(`${what}: ${wrong}`);
    if (wrong !== undefined) await changed.promise;
    clearTimeout(timer);
    for (const stop of stops) stop();
    if (wrong === undefined) return;
  }
}

const facts = ({ name, members }: GroupInfo) =>
  `${name}: ${members.map((one) => `${one.name} ${one.role}`).sort().join(", ")}`;

/** Who was a member while what was said, by what the witness saw. */
async function expectedOf(day: Day): Promise<Map<string, string[]>> {
  const inside = new Set<string>(people);
  const expected = new Map<string, string[]>(people.map((name) => [name, []]));
  for (const line of await day.engine(witness).history({ target: day.target })) {
    const moved = / added (.*)$| removed (.*)$|^(\w+) left/.exec(line.text);
    if (line.kind === "text") {
      for (const name of inside) expected.get(name)?.push(line.text);
    } else if (line.kind === "notice" && moved !== null) {
      const names = (moved[1] ?? moved[2] ?? moved[3] ?? "").split(/, | and /);
      for (const name of names) {
        if (moved[1] === undefined) inside.delete(name);
        else inside.add(name);
      }
    }
  }
  return expected;
}

async function check(day: Day): Promise<void> {
  const everybody = [...people.keys()];
  for (const who of everybody) await day.come(who);
  const engines = everybody.map((who) => day.engine(who));
  await until(engines, "all are one group", async () => {
    const own = await day.info(owner);
    if (own === undefined) return "the owner has no group";
    const inside = own.members.map(({ name }) => name);
    for (const who of everybody) {
      const info = await day.info(who);
      const name = people[who] ?? "";
      const active = info?.standing === "active";
      if (active !== inside.includes(name)) return `${name} is ${info?.standing}, not as ${inside}`;
      if (info !== undefined && active && facts(info) !== facts(own)) {
        return `${name} knows ${facts(info)} instead of ${facts(own)}`;
      }
    }
    return undefined;
  });
  const inside = (await day.info(owner))?.members ?? [];
  for (const who of everybody) {
    if (!inside.some(({ name }) => name === people[who])) continue;
    await day.happens({ kind: "send", who, whom: 1 });
  }
  await until(engines, "everything has its answer", async () => {
    for (const { id, who, text } of day.said) {
      const [found] = (await day.engine(who).history({})).filter((line) => line.id === id);
      if (found?.state === "queued") return `"${text}" is ${found.state}`;
    }
    return undefined;
  });
  await until(engines, "everybody has read what was theirs", async () => {
    const expected = await expectedOf(day);
    for (const who of everybody) {
      const name = people[who] ?? "";
      const lines = await day.engine(who).history({ target: day.target });
      const left = lines.some(({ text }) => text === "you left");
      const shown = lines.filter(({ kind, state }) => kind !== "notice" && state !== "failed")
        .map(({ text }) => text);
      const wanted = expected.get(name) ?? [];
      // Nothing is brought to who leaves, although the others go on until the commit that removes it.
      const missing = left ? [] : wanted.filter((text) => !shown.includes(text));
      const more = shown.filter((text, at) => !wanted.includes(text) || shown.indexOf(text) !== at);
      if (missing.length + more.length > 0) return `${name} lacks ${missing}, has besides ${more}`;
    }
    return undefined;
  });
}

Deno.test("whatever happens to a group, its members are one group in the end and have read what was theirs", async () => {
  const runs = Number(Deno.env.get("WEATHER_RUNS") ?? 2);
  const days = fc.array(happening, { minLength: 6, maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(days, async (happenings) => {
      await using village = await Village.make();
      await using proxy = await FaultProxy.start(village.pinned.port);
      const facts: DeviceFacts[] = [];
      for (const name of people) facts.push(await village.device(name));
      for (const each of facts) await village.briefly(each, { keyPackages: 12 });
      const day = new Day(village, proxy, facts);
      for (const who of people.keys()) await day.come(who);
      await day.engine(owner).caughtUp(patience());
      const others = people.filter((_, who) => who !== owner);
      day.id = (await day.engine(owner).groups.create("team", others)).id;
      await until(
        [day.engine(witness)],
        "the witness is in",
        async () => (await day.info(witness)) === undefined ? "not yet" : undefined,
      );
      for (const what of happenings) await day.happens(what);
      await check(day);
    }),
    { numRuns: runs, endOnFailure: true },
  );
});

/** Random days of a group of three servers, whose items come late, in pieces and again: in the end all say the same. */
import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import type { Input } from "../../../server/operations/contract.ts";
import { actor } from "../../contract/world.ts";
import { as, change, creation } from "./group_world.ts";
import {
  deliver,
  exchange,
  handed,
  link,
  linkedWorlds,
  sameState,
  type Side,
  type Somebody,
} from "./linked_worlds.ts";

/** What may happen; numbers choose who. */
type Step = readonly [
  "send" | "add" | "remove" | "leave" | "ack" | "move" | "relink",
  number,
  number,
];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(
    "send",
    "send",
    "send",
    "add",
    "remove",
    "leave",
    "ack",
    "ack",
    "move",
    "move",
    "relink",
  ),
  fc.nat(99),
  fc.nat(99),
);

/** A group of the first server with people of all. */
class Day {
  readonly sides: readonly Side[];
  readonly people: { readonly side: Side; readonly who: Somebody }[] = [];
  readonly id: string = crypto.randomUUID();
  readonly hub: Side;
  readonly owner: Somebody;
  /** Sequences of messages that were accepted. */
  readonly sent: number[] = [];

  constructor(sides: readonly Side[]) {
    const [hub] = sides;
    if (hub === undefined) throw new Error("nobody");
    this.sides = sides;
    this.hub = hub;
    this.owner = hub.register("owner");
    for (const side of sides) {
      for (const name of ["one", "two"]) this.people.push({ side, who: side.register(name) });
    }
    for (const { side, who } of this.people) if (side !== hub) hub.learn(this.owner, side, [who]);
    const made = creation(hub.world, this.id, { people: [this.owner] });
    hub.world.ok("conversation.create", made);
    for (const { who } of this.people.filter((_, at) => at % 2 === 0)) this.#commit([who], []);
  }

  get epoch(): number {
    return this.hub.world.backend.tables.conversations.byId(this.id)?.epoch ?? 0;
  }

  get removals(): readonly string[] {
    return this.hub.world.conversation(this.owner, this.id).removals;
  }

  get leaving(): readonly string[] {
    return this.hub.world.conversation(this.owner, this.id).leaving;
  }

  #ask<N extends "message.send" | "conversation.leave">(side: Side, name: N, input: Input<N>) {
    return side === this.hub ? side.world.run(name, input) : handed(this.hub, side, name, input);
  }

  #commit(add: readonly Somebody[], remove: readonly Somebody[]): void {
    const gone = new Set([...this.leaving, ...remove.map(({ account }) => account)]);
    const devices = new Set([...this.removals, ...remove.map(({ device }) => device)]);
    const commit = this.hub.world.commit(this.owner, this.id, {
      epoch: this.epoch,
      add: add.map(actor),
      remove: [...devices],
      membership: change({ add: add.map((each) => as(each)), remove: [...gone] }),
    });
    this.hub.world.run("conversation.commit", commit);
  }

  take([what, first, second]: Step): void {
    const { people, sides, hub } = this;
    const { side, who } = people[first % people.length] ?? { side: hub, who: this.owner };
    const other = sides[second % sides.length] ?? hub;
    switch (what) {
      case "send": {
        const input = hub.world.message(who, this.id, { epoch: this.epoch });
        const done = this.#ask(side, "message.send", input);
        if (done.ok) this.sent.push(done.seq);
        return;
      }
      case "add":
        return this.#commit([who], []);
      case "remove":
        return this.#commit([], [who]);
      case "leave":
        return void this.#ask(side, "conversation.leave", { ...actor(who), conversation: this.id });
      case "ack": {
        const seq = side.world.backend.tables.conversations.byId(this.id)?.head ?? 0;
        return side.world.ack(who, this.id, Math.max(0, seq - second % 3));
      }
      case "move":
        if (side !== other) deliver(side, other);
        return;
      case "relink":
        if (side !== other) link(side, other);
    }
  }
}

linkedWorlds(
  "random days of a group of three servers end with one state on all of them",
  (...sides) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 80 }), (steps) => {
        for (const side of sides) side.world.now += 24 * 60 * 60 * 1000;
        const day = new Day(sides.map((side) => renamed(side)));
        for (const each of steps) day.take(each);
        exchange(...sides);
        const { hub, id, people } = day;
        for (const side of sides.slice(1)) {
          const there = people.some(({ side: home, who }) =>
            home.name === side.name && isIn(hub, id, who)
          );
          if (there) sameState(hub, side, id);
          for (const { side: home, who } of people) {
            if (home.name !== side.name || !isIn(hub, id, who)) continue;
            // Whoever is in gets every message since they came in, once and in order.
            const seat = side.world.backend.tables.conversations.byId(id)?.seats.get(who.device);
            ok(seat !== undefined && seat.lost === 0);
            const got = side.world.read(who, id).filter(({ type }) => type === "message");
            const own = got.filter(({ device }) => device === who.device);
            deepStrictEqual(own, []);
            const seqs = got.map(({ seq }) => seq);
            deepStrictEqual(seqs, seqs.toSorted((a, b) => a - b));
          }
        }
      }),
      { numRuns: 10 },
    );
  },
  { names: ["alpha", "beta", "gamma"], consent: "none" },
);

let named = 0;

/** The same server; its people get names that nobody has had. */
function renamed(side: Side): Side {
  const number = named++;
  return Object.assign(Object.create(side), {
    register: (name: string) => side.register(`${name}-${number}`),
  });
}

function isIn(hub: Side, id: string, who: Somebody): boolean {
  const seat = hub.world.backend.tables.conversations.byId(id)?.seats.get(who.device);
  return seat !== undefined && seat.until === null && !seat.dead;
}

/**
 * Random sequences of sending, reading, acknowledging, marking as read, joining and leaving, against a model that is
 * simple enough to be obviously right: a list of rows, and for every device what it was given.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { actor, backends, type Person, withWorld, World } from "./world.ts";

interface ModelRow {
  readonly seq: number;
  readonly device: string;
  /** Whose message it is; undefined for a commit. */
  readonly sender: string | undefined;
  /** Whether there was anybody else to get it. */
  readonly kept: boolean;
}

interface ModelSeat {
  readonly person: Person;
  /** The first and the last row that it is to get. */
  from: number;
  until: number | undefined;
  cursor: number;
  got: number[];
}

/** What should be true, kept by the simplest means. */
class Model {
  readonly world: World;
  readonly people: Person[];
  readonly conversation: string;
  readonly rows: ModelRow[] = [];
  readonly seats = new Map<string, ModelSeat>();
  readonly read = new Map<string, number>();
  epoch = 1;

  constructor(world: World) {
    this.world = world;
    const [erik, sam] = [world.register("erik"), world.register("sam")];
    this.people = [erik, sam, world.enrol(erik), world.enrol(sam)];
    this.conversation = world.converse(erik, sam);
    this.rows.push({ seq: 1, device: erik.device, sender: undefined, kept: true });
    this.#seat(erik, 1);
    this.#seat(sam, 1);
  }

  #seat(person: Person, from: number): void {
    this.seats.set(person.device, { person, from, until: undefined, cursor: from - 1, got: [] });
  }

  /** Places of other devices in the conversation; those that were removed keep theirs up to their last row. */
  #others(person: Person): ModelSeat[] {
    return [...this.seats.values()].filter(({ person: { device }, until, cursor }) =>
      device !== person.device && (until === undefined || cursor < until)
    );
  }

  get head(): number {
    return this.rows.length;
  }

  person(index: number): Person {
    const person = this.people[index % this.people.length];
    assert(person !== undefined);
    return person;
  }

  inRoster(person: Person): boolean {
    const seat = this.seats.get(person.device);
    return seat !== undefined && seat.until === undefined;
  }

  /** Rows that the device is to get and has not acknowledged. */
  wanted(seat: ModelSeat): number[] {
    return this.rows.filter((row) =>
      row.seq > seat.cursor && row.seq >= seat.from && row.seq <= (seat.until ?? this.head) &&
      row.device !== seat.person.device
    ).map((row) => row.seq);
  }

  send(person: Person): void {
    const { world, conversation, epoch } = this;
    if (!this.inRoster(person)) {
      assert.equal(world.code("message.send", world.message(person, conversation)), "not_a_member");
      return;
    }
    const input = world.message(person, conversation, { epoch });
    const seq = world.ok("message.send", input).seq;
    assert.equal(world.ok("message.send", input).seq, seq);
    assert.equal(seq, this.head + 1);
    const kept = this.#others(person).length > 0;
    this.rows.push({ seq, device: person.device, sender: person.account, kept });
  }

  fetch(person: Person, limit: number): void {
    const seat = this.seats.get(person.device);
    if (seat === undefined) return;
    const span = { conversation: this.conversation, after: 0, limit, maxBytes: 10_000 };
    const result = this.world.run("log.read", { ...actor(person), ...span });
    if (!result.ok) return assert.deepEqual(this.wanted(seat), []);
    const wanted = this.wanted(seat);
    assert.deepEqual(result.rows.map(({ seq }) => seq), wanted.slice(0, limit));
    assert.equal(result.more, wanted.length > limit);
    for (const { seq } of result.rows) if (!seat.got.includes(seq)) seat.got.push(seq);
  }

  ack(person: Person): void {
    const seat = this.seats.get(person.device);
    const last = seat?.got.at(-1);
    if (seat === undefined || last === undefined) return;
    this.world.ack(person, this.conversation, last);
    seat.cursor = Math.max(seat.cursor, last);
  }

  markRead(person: Person, seq: number): void {
    const upTo = Math.min(seq, this.head);
    const before = this.read.get(person.account) ?? 0;
    this.read.set(person.account, Math.max(before, upTo));
    assert.equal(
      this.world.markRead(person, this.conversation, seq),
      this.unread(person.account),
    );
  }

  /** Goes on reading where the account has stopped. */
  readMore(person: Person, more: number): void {
    this.markRead(person, (this.read.get(person.account) ?? 0) + more);
  }

  unread(account: string): number {
    const read = this.read.get(account) ?? 0;
    return this.rows.filter((row) =>
      row.seq > read && row.sender !== undefined && row.sender !== account
    ).length;
  }

  /** The first device of its account adds or removes the other one. */
  toggle(by: Person, other: Person): void {
    if (by === other || !this.inRoster(by)) return;
    const removing = this.inRoster(other);
    const change = removing ? { remove: [other.device] } : { add: [actor(other)] };
    const input = this.world.commit(by, this.conversation, { ...change, epoch: this.epoch });
    const { seq } = this.world.ok("conversation.commit", input);
    this.rows.push({ seq, device: by.device, sender: undefined, kept: true });
    this.epoch += 1;
    const seat = this.seats.get(other.device);
    if (removing && seat !== undefined) seat.until = seq;
    else this.#seat(other, seq);
  }

  /**
   * Rows that somebody still waits for are stored, and so is nothing before the first of them, nor what comes after all
   * that removed devices wait for and before the first that one of the others waits for, nor a message that was sent when
   * nobody else had a place.
   */
  check(): void {
    const seats = [...this.seats.values()];
    const waiting = seats.flatMap((seat) => this.wanted(seat).slice(0, 1));
    const first = Math.min(...waiting, this.head + 1);
    const inside = seats.filter(({ until }) => until === undefined);
    const next = Math.min(
      ...inside.flatMap((seat) => this.wanted(seat).slice(0, 1)),
      this.head + 1,
    );
    const gone = seats.filter((seat) => seat.until !== undefined && this.wanted(seat).length > 0);
    const last = Math.max(...gone.map(({ until }) => until ?? 0), 0);
    assert.deepEqual(
      this.world.stored(this.conversation),
      this.rows.filter(({ seq, kept }) => kept && seq >= first && (seq <= last || seq >= next))
        .map(({ seq }) => seq),
    );
    for (const person of this.people.slice(0, 2)) {
      const { unread } = this.world.conversation(person, this.conversation);
      assert.equal(unread, this.unread(person.account));
    }
  }
}

type Step = (model: Model) => void;

const who = fc.integer({ min: 0, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: who.map((i): Step => (model) => model.send(model.person(i))) },
  {
    weight: 4,
    arbitrary: fc.tuple(who, fc.integer({ min: 1, max: 6 }))
      .map(([i, limit]): Step => (model) => model.fetch(model.person(i), limit)),
  },
  { weight: 4, arbitrary: who.map((i): Step => (model) => model.ack(model.person(i))) },
  {
    weight: 1,
    arbitrary: fc.tuple(who, fc.integer({ min: 0, max: 40 }))
      .map(([i, seq]): Step => (model) => model.markRead(model.person(i), seq)),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(who, fc.integer({ min: 1, max: 3 }))
      .map(([i, more]): Step => (model) => model.readMore(model.person(i), more)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(who, who)
      .map(([i, j]): Step => (model) => model.toggle(model.person(i), model.person(j))),
  },
);

for (const backend of backends) {
  Deno.test(`every device gets every row once and in order, rows go when due, unread is exact (${backend.name})`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 80 }), (steps) => {
        withWorld(backend, (world) => {
          const model = new Model(world);
          for (const each of steps) {
            each(model);
            model.check();
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  Deno.test(`ten thousand messages wait for a receiver that comes later (${backend.name})`, () => {
    withWorld(backend, (world) => {
      const [erik, sam] = [world.register("erik"), world.register("sam")];
      const conversation = world.converse(erik, sam);
      const inputs = Array.from({ length: 10_000 }, () => world.message(erik, conversation));
      for (let i = 0; i < inputs.length; i += 500) {
        world.batch(inputs.slice(i, i + 500).map((input) => ({ name: "message.send", input })));
      }
      assert.equal(world.conversation(sam, conversation).unread, 10_000);
      const got: string[] = [];
      for (
        let rows = world.read(sam, conversation);
        rows.length > 0;
        rows = world.read(sam, conversation)
      ) {
        for (const row of rows) if (row.type === "message") got.push(row.message);
        world.ack(sam, conversation, rows.at(-1)?.seq ?? 0);
      }
      assert.deepEqual(got, inputs.map(({ message }) => message));
      assert.deepEqual(world.stored(conversation), []);
    });
  });
}

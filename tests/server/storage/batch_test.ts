import assert from "node:assert/strict";
import { AppError } from "../../../lib/base/errors.ts";
import type { Backend, Tables } from "../../../server/tables/tables.ts";
import { actor, backends, type Person, withWorld, World } from "../../contract/world.ts";

/** A backend that goes wrong where a test wants it to. */
class Faulty implements Backend {
  readonly #inner: Backend;
  readonly tables: Tables;
  /** Posts with this text make the table throw. */
  poison = "";
  full = false;

  constructor(inner: Backend) {
    this.#inner = inner;
    const lobby = inner.tables.lobby;
    this.tables = {
      ...inner.tables,
      lobby: {
        head: () => lobby.head(),
        find: (device, post) => lobby.find(device, post),
        read: (after, limit) => lobby.read(after, limit),
        cut: (limits) => lobby.cut(limits),
        add: (post) => {
          const seq = lobby.add(post);
          if (post.text === this.poison) throw new Error("poisoned");
          return seq;
        },
      },
    };
  }

  begin(): void {
    this.#inner.begin();
  }

  commit(): void {
    if (this.full) throw new AppError("storage_full", { fault: "environment" });
    this.#inner.commit();
  }

  rollback(): void {
    this.#inner.rollback();
  }

  savepoint<T>(work: () => T): T {
    return this.#inner.savepoint(work);
  }

  close(): void {
    this.#inner.close();
  }
}

const post = (person: Person, text: string) => ({
  name: "lobby.post" as const,
  input: { ...actor(person), post: crypto.randomUUID(), text, sentAt: 0, signature: "s" },
});

for (const backend of backends) {
  const faultyWorld = (test: (world: World, faulty: Faulty) => void) =>
    withWorld(backend, (inner) => {
      const faulty = new Faulty(inner.backend);
      test(new World(faulty), faulty);
    });

  Deno.test(`an operation that throws fails alone, the others of its batch count once (${backend.name})`, () => {
    faultyWorld((world, faulty) => {
      const [erik, sam] = [world.register("erik"), world.register("sam")];
      const conversation = world.converse(erik, sam);
      faulty.poison = "poison";
      const send = () => ({
        name: "message.send" as const,
        input: world.message(erik, conversation),
      });
      const endings = world.batch([
        send(),
        post(erik, "one"),
        post(sam, "poison"),
        send(),
        post(sam, "two"),
      ]);
      assert.deepEqual(endings.map(({ ok }) => ok), [true, true, false, true, true]);
      assert.deepEqual(world.told("lobby").map(({ post }) => post.text), ["one", "two"]);
      assert.deepEqual(world.told("log").map(({ seq }) => seq), [3]);
      assert.deepEqual(
        world.run("lobby.read", { after: 0, limit: 9 }).posts.map(({ text }) => text),
        ["one", "two"],
      );
      assert.deepEqual(world.read(sam, conversation).map(({ seq }) => seq), [1, 2, 3]);
      assert.equal(world.conversation(sam, conversation).unread, 2);
    });
  });

  Deno.test(`when the disk is full the whole batch is refused and nothing is told or kept (${backend.name})`, () => {
    faultyWorld((world, faulty) => {
      const [erik, sam] = [world.register("erik"), world.register("sam")];
      const conversation = world.converse(erik, sam);
      faulty.full = true;
      const input = world.message(erik, conversation);
      const endings = world.batch([{ name: "message.send", input }, post(sam, "two")]);
      assert.deepEqual(endings.map((each) => each.ok ? "ok" : each.error.code), [
        "storage_full",
        "storage_full",
      ]);
      assert.deepEqual(world.nudges, []);
      faulty.full = false;
      assert.equal(world.conversation(sam, conversation).unread, 0);
      assert.equal(world.ok("message.send", input).seq, 2);
      assert.deepEqual(world.run("lobby.read", { after: 0, limit: 9 }).posts, []);
    });
  });

  Deno.test(`many messages of a conversation in one batch become one nudge (${backend.name})`, () => {
    withWorld(backend, (world) => {
      const [erik, sam] = [world.register("erik"), world.register("sam")];
      const phone = world.enrol(sam);
      const conversation = world.converse(erik, sam, phone);
      const works = [erik, erik, sam, erik].map((person) => ({
        name: "message.send" as const,
        input: world.message(person, conversation),
      }));
      world.batch(works);
      const [told, ...more] = world.told("log");
      assert.deepEqual(more, []);
      assert.equal(told?.seq, 5);
      assert.deepEqual(
        told?.devices.toSorted(),
        [erik, sam, phone].map(({ device }) => device).toSorted(),
      );
    });
  });
}

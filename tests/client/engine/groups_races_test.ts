import assert from "node:assert/strict";
import fc from "fast-check";
import type { Engine } from "../../../client/engine/api.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { EvilServer } from "./evil.ts";
import { message, patience, until } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const target = (id: string) => ({ kind: "group", name: "team", id }) as const;

/** What a member may do at the same moment as the others. */
type Deed =
  | { readonly kind: "add" | "remove" | "promote" | "demote"; readonly whom: number }
  | { readonly kind: "rekey" }
  | { readonly kind: "rename"; readonly to: string }
  | { readonly kind: "say"; readonly text: string };

const guests = ["gast1", "gast2", "gast3"];

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("add" as const, "remove" as const, "promote" as const, "demote" as const),
    whom: fc.nat(guests.length - 1),
  }),
  fc.record({ kind: fc.constant("rekey" as const) }),
  fc.record({
    kind: fc.constant("rename" as const),
    to: fc.constantFrom("team", "crew", "gang", "bande"),
  }),
  fc.record({ kind: fc.constant("say" as const), text: fc.uuid() }),
);

/** Does it; what is refused because it has become moot or was never allowed changes nothing. */
async function attempt(engine: Engine, id: string, what: Deed): Promise<void> {
  const { groups } = engine;
  try {
    switch (what.kind) {
      case "add":
        return void await groups.add(target(id), [guests[what.whom] ?? ""]);
      case "remove":
        return void await groups.remove(target(id), [guests[what.whom] ?? ""]);
      case "promote":
        return await groups.setRole(target(id), guests[what.whom] ?? "", "admin");
      case "demote":
        return await groups.setRole(target(id), guests[what.whom] ?? "", "member");
      case "rekey":
        return await engine.rekey(target(id));
      case "rename":
        return await groups.rename(target(id), what.to);
      case "say": {
        const sent = await engine.send(target(id), what.text);
        await engine.waitFor(sent.id, "sent", patience());
      }
    }
  } catch (thrown) {
    const expected = ["not_found", "not_allowed", "no_key_package", "rate_limited"];
    if (!(thrown instanceof AppError) || !expected.includes(thrown.code)) throw thrown;
  }
}

const view = async (engine: Engine, id: string) => {
  const { name, members } = await engine.groups.info(target(id));
  return { name, members: members.map(({ name, role }) => `${name} ${role}`).sort() };
};

/** Everybody reads what everybody says, and sees the same group. */
async function converged(engines: readonly Engine[], id: string, round: string): Promise<void> {
  for (const [index, each] of engines.entries()) await each.send(target(id), `${round} ${index}`);
  for (const each of engines) {
    for (const index of engines.keys()) await message(each, `${round} ${index}`);
  }
  const [first, ...others] = await Promise.all(engines.map((each) => view(each, id)));
  for (const other of others) assert.deepEqual(other, first);
}

/** Everybody has come in. */
async function begun(engines: readonly Engine[], id: string): Promise<void> {
  await engines[0]?.send(target(id), "welcome");
  for (const each of engines) await message(each, "welcome");
  await converged(engines, id, "begin");
}

const test = storiesOf("races in a group");

test("members that change a group at the same moment, whatever they do, end with one group", async (village) => {
  const engines = [
    await village.online("olga"),
    await village.online("adam"),
    await village.online("bert"),
    await village.online("carl"),
  ];
  const [olga, ...admins] = engines;
  assert.ok(olga);
  for (const name of guests) {
    await village.briefly(await village.device(name), {
      keyPackages: 8,
    });
  }
  const { id } = await olga.groups.create("team", ["adam", "bert", "carl"]);
  for (const name of ["adam", "bert", "carl"]) {
    await olga.groups.setRole(
      target(id),
      name,
      "admin",
    );
  }
  await begun(engines, id);
  assert.equal(admins.length, 3);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 4, maxLength: 8 }), async (deeds) => {
      round += 1;
      await Promise.all(deeds.map((one, index) => {
        const engine = engines[index % engines.length] ?? olga;
        return attempt(engine, id, one);
      }));
      await converged(engines, id, `round ${round}`);
    }),
    { numRuns: 6, endOnFailure: true },
  );
});

test("whoever wins a race to add and to remove one person, both sides agree on who is in", async (village) => {
  const [olga, adam] = [await village.online("olga2"), await village.online("adam2")];
  await village.briefly(await village.device("kim2"), { keyPackages: 4 });
  const { id } = await olga.groups.create("team", ["adam2"]);
  await olga.groups.setRole(target(id), "adam2", "admin");
  await begun([olga, adam], id);
  const both = await Promise.all([
    olga.groups.add(target(id), ["kim2"]),
    adam.groups.add(target(id), ["kim2"]),
  ]);
  // One of them added kim; for the other there was nothing left to do.
  assert.deepEqual(both.flat(), ["kim2"]);
  await converged([olga, adam], id, "added once");
  assert.equal((await view(adam, id)).members.length, 3);
});

test("several who go at once are all gone, and whoever stays goes on", async (village) => {
  const olga = await village.online("olga3");
  const others = [
    await village.online("adam3"),
    await village.online("bert3"),
    await village.online("carl3"),
  ];
  const { id } = await olga.groups.create("team", ["adam3", "bert3", "carl3"]);
  await begun([olga, ...others], id);
  await Promise.all(others.map((each) => each.groups.leave(target(id))));
  await until(olga, "all others are gone", async () => (await view(olga, id)).members.length === 1);
  const sent = await olga.send(target(id), "alone");
  assert.equal((await olga.waitFor(sent.id, "sent", patience())).state, "sent");
  const lines = (await olga.history({ target: target(id) })).map(({ text }) => text);
  for (const name of ["adam3", "bert3", "carl3"]) assert.ok(lines.includes(`${name} left`), name);
});

test("what was encrypted before somebody came back, and taken after it, is read by all who are in then", async (village) => {
  const olga = await village.online("olga4");
  const kim = await village.online("kim4", { random: () => 0 });
  const facts = await village.device("adam4");
  await using slow = EvilServer.start(village, facts);
  const adam = await village.open(facts, { port: slow.port, random: () => 0 });
  const { id } = await olga.groups.create("team", ["adam4", "kim4"]);
  await begun([olga, adam, kim], id);
  await olga.groups.remove(target(id), ["kim4"]);
  const early = await adam.send(target(id), "while kim is out");
  await adam.waitFor(early.id, "sent", patience());

  // What adam says next is under way while kim comes back.
  const [reached, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  slow.hear = async (arrived) => {
    if (arrived.message.type !== "message.send") return arrived;
    reached.resolve();
    await goesOn.promise;
    return arrived;
  };
  await adam.send(target(id), "on its way");
  await reached.promise;
  await olga.groups.add(target(id), ["kim4"]);
  goesOn.resolve();
  for (const each of [olga, kim]) await message(each, "on its way");
  const texts = (await kim.history({ target: target(id) })).map(({ text }) => text);
  assert.ok(!texts.includes("while kim is out") && !texts.some((text) => /keys/.test(text)));
});

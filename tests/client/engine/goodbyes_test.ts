/** Goodbyes that cross the commit that carries them out: whichever comes first, everybody reads that somebody left. */
import assert from "node:assert/strict";
import type { Engine } from "../../../client/engine/api.ts";
import type { Arrived } from "../../../lib/wire/messages.ts";
import { EvilServer } from "./evil.ts";
import { message, patience, until } from "./kit.ts";
import { storiesOf } from "./stories.ts";
import type { Village } from "./village.ts";

const team = { kind: "group", name: "team" } as const;

/** Carries out what waits at once. */
const hasty = { random: () => 0 };

const lines = async (engine: Engine) =>
  (await engine.history({ target: team })).flatMap(({ kind, text }) =>
    kind === "notice" ? text : []
  );

/** A new account behind a line of its own, on which what passes can be held back. */
async function behind(village: Village, name: string) {
  const facts = await village.device(name);
  const line = EvilServer.start(village, facts);
  return { line, engine: await village.open(facts, { port: line.port, ...hasty }) };
}

/** Both are in the group and have heard each other. */
async function talking(olga: Engine, adam: Engine): Promise<void> {
  await olga.groups.create("team", [adam.self.name]);
  for (const [from, to] of [[olga, adam], [adam, olga]] as const) {
    await from.send(team, `hello from ${from.self.name}`);
    await message(to, `hello from ${from.self.name}`);
  }
}

/** Whether the client has stored the row. */
function acknowledges(
  { message }: Arrived,
  { message: row }: Arrived<"message" | "commit">,
): boolean {
  return message.type === "message.ack" &&
    message.acks.some(({ conversation, seq }) =>
      conversation === row.conversation && seq >= row.seq
    );
}

/** Resolves when the engine shows the line in the group. */
async function reads(engine: Engine, line: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = async () => {
    if ((await lines(engine)).includes(line)) resolve();
  };
  const stop = engine.subscribe(() => void look());
  patience().addEventListener("abort", () => reject(new Error(`nobody said: ${line}`)));
  await Promise.all([look(), promise]).finally(stop);
}

const test = storiesOf("goodbyes that cross commits");

test("who carries out a goodbye before it has arrived there reads that somebody left all the same", async (village) => {
  const { line, engine: olga } = await behind(village, "olga1");
  await using _ = line;
  const adam = await village.online("adam1", hasty);
  await talking(olga, adam);
  let goodbye: Arrived | undefined;
  line.bend = (arrived) => {
    const { type } = arrived.message;
    if (type === "message" && goodbye === undefined) {
      goodbye = arrived;
      return [];
    }
    return type === "conversation.commit.ok" && goodbye ? [arrived, goodbye] : arrived;
  };
  const told = reads(olga, "adam1 left");
  await adam.groups.leave(team);
  await told;
  assert.deepEqual((await lines(olga)).filter((text) => /left/.test(text)), ["adam1 left"]);
});

test("a goodbye that comes while another change is under way is not forgotten by that", async (village) => {
  const { line, engine: olga } = await behind(village, "olga2");
  const { line: slow, engine: adam } = await behind(village, "adam2");
  await using _ = line;
  await using __ = slow;
  await talking(olga, adam);
  const [asked, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let first = true;
  let [change, goodbye]: [Arrived?, Arrived<"message">?] = [];
  // Olga's change goes on when she has the goodbye; adam's request to be let go when that change is there.
  line.hear = (arrived) => {
    if (arrived.message.type === "conversation.commit" && first) {
      first = false;
      change = arrived;
      asked.resolve();
      return [];
    }
    const held = change;
    if (held === undefined || !goodbye || !acknowledges(arrived, goodbye)) return arrived;
    change = undefined;
    return [arrived, held];
  };
  line.bend = (arrived) => {
    if (arrived.message.type === "message" && change) goodbye = arrived as Arrived<"message">;
    if (arrived.message.type === "conversation.commit.ok") taken.resolve();
    return arrived;
  };
  slow.hear = async (arrived) => {
    if (arrived.message.type === "conversation.leave") await taken.promise;
    return arrived;
  };
  const renewed = olga.rekey(team);
  await asked.promise;
  const told = reads(olga, "adam2 left");
  await Promise.all([adam.groups.leave(team), renewed]);
  await told;
  assert.deepEqual((await lines(olga)).filter((text) => /left/.test(text)), ["adam2 left"]);
});

test("who leaves has left on all devices, also when the commit overtakes the answer, or all other word of it", async (village) => {
  const olga = await village.online("olga3", hasty);
  const { line, engine: adam } = await behind(village, "adam3");
  const { line: deaf, engine: other } = await behind(village, "adam3");
  await using _ = line;
  await using __ = deaf;
  await talking(olga, adam);
  await message(other, "hello from olga3");
  let answer: Arrived | undefined;
  let commit: Arrived<"commit"> | undefined;
  line.bend = (arrived) => {
    if (arrived.message.type === "commit") commit = arrived as Arrived<"commit">;
    if (arrived.message.type !== "conversation.leave.ok") return arrived;
    answer = arrived;
    return [];
  };
  line.hear = (arrived) => {
    if (answer && commit && acknowledges(arrived, commit)) {
      line.tell(answer);
      answer = undefined;
    }
    return arrived;
  };
  deaf.bend = (arrived) => arrived.message.type === "conversation.state" ? [] : arrived;
  const told = [adam, other].map((each) => reads(each, "you left"));
  await adam.groups.leave(team);
  await Promise.all(told);
  for (const each of [adam, other]) {
    const { standing, by } = await each.groups.info(team);
    assert.deepEqual([standing, by], ["left", undefined]);
    assert.deepEqual((await lines(each)).filter((text) => /left|removed/.test(text)), ["you left"]);
  }
});

test("of a group that was left nothing is unread on a device that comes afterwards", async (village) => {
  const olga = await village.online("olga9");
  const adam = await village.online("adam9");
  await talking(olga, adam);
  await olga.send({ kind: "direct", name: "adam9" }, "for you");
  await message(adam, "for you");
  await adam.archive.settled(patience());
  await adam.groups.leave(team);
  const next = await village.online("adam9");
  await next.archive.fetched(patience());
  await until(next, "the group counts as left", async () => {
    const [group] = await next.groups.list();
    return group?.standing === "left" && group.name === "team";
  });
  assert.deepEqual((await next.unread()).map(({ text }) => text), ["for you"]);
  const texts = (await next.history({})).map(({ text }) => text);
  assert.ok(texts.includes("hello from olga9"));
});

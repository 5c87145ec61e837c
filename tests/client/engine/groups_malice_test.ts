/** A server that lies about a group: it is found out, shown, and not believed. */
import assert from "node:assert/strict";
import type { Engine, EngineEvent } from "../../../client/engine/api.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { EvilServer } from "./evil.ts";
import { message, nextEvent, patience } from "./kit.ts";
import { storiesOf } from "./stories.ts";
import type { Village } from "./village.ts";

const team = { kind: "group", name: "team" } as const;

const warned = (pattern: RegExp) => (event: EngineEvent) =>
  event.kind === "warning" && pattern.test(event.text);

const roles = async (engine: Engine) =>
  (await engine.groups.info(team)).members.map(({ name, role }) => `${name} ${role}`).sort();

/** Olga who will make a group, kim, and adam who will talk to a liar; their names end with that number. */
async function besieged(village: Village, number: number) {
  const olga = await village.online(`olga${number}`);
  const facts = await village.device(`adam${number}`);
  await village.briefly(facts);
  await village.briefly(await village.device(`kim${number}`));
  const evil = EvilServer.start(village, facts);
  return { olga, facts, evil };
}

const test = storiesOf("a server that lies about groups");

test("a server that gives a member another role in its list is not believed", async (village) => {
  const { olga, facts, evil } = await besieged(village, 1);
  await using _ = evil;
  await olga.groups.create("team", ["adam1", "kim1"]);
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "conversation.list.ok") return arrived;
    const conversations = message.conversations.map((one) => ({
      ...one,
      members: one.members.map((each) =>
        each.name === "kim1" ? { ...each, role: "owner" as const } : each
      ),
    }));
    return { ...arrived, message: { ...message, conversations } };
  };
  const adam = village.engine(facts, { port: evil.port });
  const warning = nextEvent(adam, warned(/server's list of the members of #team .*kim1/));
  await adam.start({ receive: true, keepTrying: false });
  await adam.caughtUp(AbortSignal.timeout(60_000));
  await warning;
  assert.deepEqual(await roles(adam), ["adam1 member", "kim1 member", "olga1 owner"]);
});

test("a server that lists somebody who is not in the group is found out by the group's tree", async (village) => {
  const { olga, facts, evil } = await besieged(village, 2);
  await using _ = evil;
  await olga.groups.create("team", ["adam2"]);
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "conversation.list.ok") return arrived;
    const ghost = {
      account: randomId(),
      name: "ghost",
      role: "member" as const,
      delivered: 0,
      deliveredAt: null,
      read: 0,
      readAt: null,
    };
    const conversations = message.conversations.map((one) => ({
      ...one,
      members: [...one.members, ghost],
    }));
    return { ...arrived, message: { ...message, conversations } };
  };
  const adam = village.engine(facts, { port: evil.port });
  const warning = nextEvent(adam, warned(/server's list of the members of #team .*ghost/));
  await adam.start({ receive: true, keepTrying: false });
  await adam.caughtUp(AbortSignal.timeout(60_000));
  await warning;
  assert.deepEqual(await roles(adam), ["adam2 member", "olga2 owner"]);
});

test("a welcome with other roles than the members' own is corrected by what a member says", async (village) => {
  const { olga, facts, evil } = await besieged(village, 3);
  await using _ = evil;
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "welcome") return arrived;
    const members = message.members.map((one) =>
      one.role === "member" ? { ...one, role: "admin" as const } : one
    );
    return { ...arrived, message: { ...message, members } };
  };
  const adam = village.engine(facts, { port: evil.port });
  const warning = nextEvent(adam, warned(/who may do what in #team is not what olga3 says/));
  await adam.start({ receive: true, keepTrying: false });
  await adam.caughtUp(AbortSignal.timeout(60_000));
  await olga.groups.create("team", ["adam3", "kim3"]);
  await warning;
  assert.deepEqual(await roles(adam), ["adam3 member", "kim3 member", "olga3 owner"]);
});

test("a server that hides whom a commit adds is found out", async (village) => {
  const { olga, facts, evil } = await besieged(village, 4);
  await using _ = evil;
  evil.bend = (arrived) => {
    const { message } = arrived;
    return message.type === "commit" ? { ...arrived, message: { ...message, add: [] } } : arrived;
  };
  await olga.groups.create("team", ["adam4"]);
  const adam = await village.open(facts, { port: evil.port });
  const warning = nextEvent(adam, warned(/server hid a change/));
  await olga.groups.add(team, ["kim4"]);
  await warning;
  assert.ok((await roles(adam)).includes("kim4 member"));
});

test("the server's word alone takes nobody out of a group, and puts nobody into it", async (village) => {
  const { olga, facts, evil } = await besieged(village, 5);
  await using _ = evil;
  await olga.groups.create("team", ["adam5", "kim5"]);
  const adam = await village.open(facts, { port: evil.port });
  evil.bend = (arrived) => {
    const { message } = arrived;
    if (message.type !== "commit") return arrived;
    const add = [{ account: randomId(), device: "A".repeat(43) }];
    return { ...arrived, message: { ...message, add } };
  };
  await olga.rekey(team);
  await olga.send(team, "still three");
  await message(adam, "still three");
  assert.equal((await roles(adam)).length, 3);
});

/** The liar's client hears nothing of the next commit; what comes live after it reaches the client. */
function hideOne(evil: EvilServer, conversation: string): Promise<void> {
  const hidden = Promise.withResolvers<void>();
  let commits = 0;
  evil.bend = (arrived) => {
    if (arrived.message.type !== "commit" || commits++ > 0) return arrived;
    hidden.resolve();
    const nobody = { removals: [], leaving: [] };
    const message = { type: "conversation.removals", conversation, ...nobody } as const;
    return { message, body: new Uint8Array() };
  };
  return hidden.promise;
}

test("who was removed without hearing of it, and writes, learns by whom, and is in no group without keys", async (village) => {
  const { olga, facts, evil } = await besieged(village, 6);
  await using _ = evil;
  await olga.groups.create("team", ["adam6", "kim6"]);
  const adam = await village.open(facts, { port: evil.port });
  const hidden = hideOne(evil, (await adam.groups.info(team)).id);
  await olga.groups.remove(team, ["adam6"]);
  await hidden;
  const { id: said } = await adam.send(team, "does anybody hear me");
  assert.equal((await adam.waitFor(said, "sent", patience())).state, "failed");
  const { standing, by } = await adam.groups.info(team);
  assert.deepEqual([standing, by], ["removed", "olga6"]);
});

test("who leaves has left, also when he is too far behind for the commit that says so", async (village) => {
  const { olga, facts, evil } = await besieged(village, 7);
  await using _ = evil;
  await olga.groups.create("team", ["adam7", "kim7"]);
  const adam = await village.open(facts, { port: evil.port });
  const hidden = hideOne(evil, (await adam.groups.info(team)).id);
  await olga.rekey(team);
  await hidden;
  const left = message(adam, "you left");
  await adam.groups.leave(team);
  await left;
  assert.equal((await adam.groups.info(team)).standing, "left");
});

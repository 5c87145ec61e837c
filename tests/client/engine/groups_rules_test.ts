import assert from "node:assert/strict";
import { type MembershipChange, noChange, type Role } from "../../../lib/base/membership.ts";
import { noticeText } from "../../../client/engine/notices.ts";
import { acceptedUpon } from "../../../client/engine/group_commits.ts";
import {
  changeWanted,
  judgeCommit,
  takenBack,
  withGoodbye,
} from "../../../client/engine/group_rules.ts";
import { type GroupFacts, unknownGroup } from "../../../client/store/group_facts.ts";

const person = (name: string) => ({ account: `account of ${name}`, name });

function group(roles: Record<string, Role>): GroupFacts {
  const members = Object.entries(roles).map(([name, role]) => ({ ...person(name), role }));
  return { ...unknownGroup, name: "team", epoch: 4, members };
}

const team = group({ olga: "owner", adam: "admin", mia: "member", max: "member" });

function judged(
  by: string,
  change: Partial<MembershipChange> | undefined,
  more: { devices?: string[]; waiting?: string[]; facts?: GroupFacts; own?: string } = {},
) {
  const devices = more.devices ?? ["olga", "adam", "mia", "max"];
  return judgeCommit({
    facts: more.facts ?? team,
    epoch: 5,
    committer: person(by),
    change: change && { ...noChange, ...change },
    after: new Map(devices.map(person).map((each) => [each.account, each])),
    waiting: (more.waiting ?? []).map((name) => person(name).account),
    own: person(more.own ?? "max").account,
  });
}

function lines(verdict: ReturnType<typeof judged>, self = "max"): string[] {
  assert.equal(verdict.kind, "accepted", verdict.kind === "refused" ? verdict.detail : "");
  return verdict.kind === "accepted" ? verdict.notices.map((each) => noticeText(each, self)) : [];
}

const kim = { account: person("kim").account, role: "member" as const };

Deno.test("whom an owner or admin adds is a member, and everybody sees who did it", () => {
  const devices = ["olga", "adam", "mia", "max", "kim"];
  for (const by of ["olga", "adam"]) {
    const verdict = judged(by, { add: [kim] }, { devices });
    assert.deepEqual(lines(verdict), [`${by} added kim`]);
    assert.ok(verdict.kind === "accepted" && verdict.facts.members.length === 5);
    assert.equal(verdict.facts.epoch, 5);
  }
});

Deno.test("a member that adds somebody is refused, whatever the server let through", () => {
  const devices = ["olga", "adam", "mia", "max", "kim"];
  assert.equal(judged("mia", { add: [kim] }, { devices }).kind, "refused");
});

Deno.test("a commit whose devices are of others than it says is refused", () => {
  const stranger = ["olga", "adam", "mia", "max", "eve"];
  assert.equal(judged("olga", {}, { devices: stranger }).kind, "refused");
  assert.equal(judged("olga", { add: [kim] }, { devices: stranger }).kind, "refused");
  assert.equal(judged("olga", { add: [kim] }).kind, "refused");
  assert.equal(judged("olga", undefined).kind, "refused");
  const stays = judged("olga", { remove: [person("mia").account] });
  assert.equal(stays.kind, "refused");
});

Deno.test("a stranger's commit is refused", () => {
  assert.equal(judged("eve", {}).kind, "refused");
  assert.deepEqual(lines(judged("mia", {})), []);
});

Deno.test("an admin removes members, but neither owners nor admins", () => {
  const gone = judged("adam", { remove: [person("mia").account] }, {
    devices: ["olga", "adam", "max"],
  });
  assert.deepEqual(lines(gone), ["adam removed mia"]);
  // Whoever has no right to a removal can only carry out what the server queued; that is shown as what it is.
  const owner = judged("adam", { remove: [person("olga").account] }, {
    devices: ["adam", "mia", "max"],
    facts: group({ olga: "owner", adam: "admin", mia: "member", max: "owner" }),
  });
  assert.deepEqual(lines(owner), ["olga left (so the server says)"]);
});

Deno.test("the removed person reads that it was removed, and by whom", () => {
  const verdict = judged("olga", { remove: [person("max").account] }, {
    devices: ["olga", "adam", "mia"],
  });
  assert.deepEqual(lines(verdict), ["you were removed by olga"]);
});

Deno.test("whoever said goodbye has left, whoever commits it", () => {
  const remove = [person("mia").account];
  const facts = { ...team, leaving: remove };
  for (const by of ["olga", "adam", "max"]) {
    const verdict = judged(by, { remove }, { devices: ["olga", "adam", "max"], facts });
    assert.deepEqual(lines(verdict), ["mia left"]);
    assert.ok(verdict.kind === "accepted" && verdict.facts.leaving.length === 0);
  }
  const told = judged("olga", { remove }, { devices: ["olga", "adam", "max"], waiting: ["mia"] });
  assert.deepEqual(lines(told), ["mia left (so the server says)"]);
});

Deno.test("an owner that says goodbye and removes everybody else dissolves the group", () => {
  const remove = ["adam", "mia", "max"].map((name) => person(name).account);
  const facts = { ...team, leaving: [person("olga").account] };
  assert.deepEqual(lines(judged("olga", { remove }, { devices: ["olga"], facts })), [
    "olga dissolved the group",
  ]);
  // Who has not said goodbye stays, alone.
  assert.deepEqual(lines(judged("olga", { remove }, { devices: ["olga"] })), [
    "you were removed by olga",
  ]);
});

Deno.test("roles are changed by owners, and everybody reads it", () => {
  const roles = [{ account: person("max").account, role: "admin" as const }];
  assert.deepEqual(lines(judged("olga", { roles })), ["olga made you an admin"]);
  assert.equal(judged("adam", { roles }).kind, "refused");
});

Deno.test("what holds already is left out of a plan", () => {
  const [olga, mia] = [person("olga").account, person("mia").account];
  const wanted = {
    add: [mia, kim.account],
    remove: [kim.account],
    roles: [{ account: olga, role: "owner" as const }, { account: mia, role: "admin" as const }],
  };
  const change = changeWanted(team, wanted);
  assert.deepEqual(change.add, [kim]);
  assert.deepEqual(change.remove, []);
  assert.deepEqual(change.roles, [{ account: mia, role: "admin" }]);
});

Deno.test("a commit that is taken back leaves the members as they were", () => {
  const devices = ["olga", "adam", "mia", "max", "kim"];
  const verdict = judged("olga", { add: [kim] }, { devices });
  assert.ok(verdict.kind === "accepted");
  assert.deepEqual(takenBack(verdict.facts, 4).members, team.members);
});

Deno.test("a goodbye counts again when the commit that carried it out is taken back, whenever it was heard", () => {
  const mia = person("mia").account;
  const devices = ["olga", "adam", "max"];
  const heard = judged("olga", { remove: [mia] }, {
    devices,
    facts: withGoodbye(team, mia),
  });
  const unheard = judged("olga", { remove: [mia] }, { devices, waiting: ["mia"] });
  assert.ok(heard.kind === "accepted" && unheard.kind === "accepted");
  assert.deepEqual(heard.facts.leaving, []);
  assert.deepEqual(takenBack(unheard.facts, 4).leaving, []);
  for (const facts of [heard.facts, withGoodbye(unheard.facts, mia)]) {
    assert.deepEqual(facts.leaving, []);
    assert.deepEqual(takenBack(facts, 4).leaving, [mia]);
  }
});

Deno.test("what came between an own change and the server's word on it is not undone by it", () => {
  const [mia, max] = [person("mia").account, person("max").account];
  const own = judged("olga", { remove: [mia] }, {
    devices: ["olga", "adam", "max"],
    waiting: ["mia"],
    own: "olga",
  });
  assert.ok(own.kind === "accepted");
  const group = { ...own, leaving: [mia], tell: "nothing" } as const;
  const now = {
    ...[mia, max].reduce(withGoodbye, team),
    name: "crew",
    namedAt: 9,
    standing: { kind: "leaving" },
  } as const;
  const { facts, notices } = acceptedUpon(now, { group, change: { kind: "commit" } });
  assert.deepEqual(notices.map((each) => noticeText(each, "olga")), ["mia left"]);
  assert.deepEqual([facts.leaving, facts.name, facts.standing.kind, facts.epoch], [
    [max],
    "crew",
    "leaving",
    5,
  ]);
  assert.equal(facts.members.length, 3);
  // Whoever comes in from outside takes what the server lists: what was said before may be long over.
  const entered = acceptedUpon(now, { group, change: { kind: "external" } });
  assert.deepEqual([entered.facts.leaving, entered.facts.standing.kind], [[], "active"]);
});

Deno.test("a line with very many names counts them", () => {
  const who = Array.from({ length: 100 }, (_, index) => `user${index}`);
  const text = noticeText({ kind: "added", by: "sam", who }, "erik");
  assert.match(text, /^sam added user0, .* and 92 others$/);
});

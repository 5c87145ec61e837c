import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../lib/base/bytes.ts";
import { mlsLimits } from "../../lib/base/limits.ts";
import {
  allRoles,
  applyMembershipChange,
  decodeMembershipChange,
  encodeMembershipChange,
  type MembershipChange,
  noChange,
  refuseMembershipChange,
  type Role,
} from "../../lib/base/membership.ts";
import { groupVectors } from "../vectors/make_groups.ts";

const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const role = fc.constantFrom(...allRoles);
const account = fc.nat(30).map(id);
const entry = fc.record({ account, role }, { noNullPrototype: true });

/** Any change, also a senseless one, of a few accounts. */
const anyChange: fc.Arbitrary<MembershipChange> = fc.record({
  add: fc.array(entry, { maxLength: 4 }),
  remove: fc.array(account, { maxLength: 4 }),
  roles: fc.array(entry, { maxLength: 4 }),
}, { noNullPrototype: true });

/** Changes that name nobody twice. */
const change = anyChange.filter(({ add, remove, roles }) => {
  const named = [...add.map(({ account }) => account), ...remove, ...roles.map((e) => e.account)];
  return new Set(named).size === named.length;
});

const group = fc.uniqueArray(fc.tuple(account, role), {
  selector: ([account]) => account,
  minLength: 1,
  maxLength: 12,
}).map((entries) => new Map<string, Role>(entries))
  .filter((roles) => [...roles.values()].includes("owner"));

const leavingOf = (roles: ReadonlyMap<string, Role>) =>
  fc.subarray([...roles.keys()], { maxLength: Math.min(2, roles.size) })
    .map((each) => new Set(each));

const situation = group.chain((roles) =>
  fc.record({
    roles: fc.constant(roles),
    leaving: leavingOf(roles),
    actor: fc.constantFrom(...roles.keys(), id(99)),
    change,
  })
);

Deno.test("every change that names nobody twice survives its text, and nothing else has a text", () => {
  fc.assert(fc.property(change, (each) => {
    assert.deepEqual(decodeMembershipChange(encodeMembershipChange(each)), each);
  }));
  assert.equal(encodeMembershipChange(noChange).length, 0);
  assert.deepEqual(decodeMembershipChange(new Uint8Array(0)), noChange);
});

Deno.test("no bytes but the one text of a change are read as one", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
    assert.equal(decodeMembershipChange(bytes), undefined);
  }));
  fc.assert(fc.property(change, fc.nat(), fc.nat(255), (each, at, byte) => {
    const bytes = encodeMembershipChange(each);
    if (bytes.length === 0) return;
    bytes[at % bytes.length] = byte;
    const read = decodeMembershipChange(bytes);
    if (read !== undefined) assert.deepEqual(encodeMembershipChange(read), bytes);
  }));
});

Deno.test("texts that say a change in other words, or more than one, are refused", () => {
  const one = `{"account":"${id(1)}","role":"owner"}`;
  const texts = [
    `{"v":1,"add":[],"remove":[],"roles":[]}`,
    `{"v":2,"add":[${one}],"remove":[],"roles":[]}`,
    ` {"v":1,"add":[${one}],"remove":[],"roles":[]}`,
    `{"add":[${one}],"v":1,"remove":[],"roles":[]}`,
    `{"v":1,"add":[${one}],"remove":[],"roles":[],"more":1}`,
    `{"v":1,"add":[${one}],"remove":["${id(1)}"],"roles":[]}`,
    `{"v":1,"add":[${one},${one}],"remove":[],"roles":[]}`,
    `{"v":1,"add":[],"remove":[],"remove":["${id(1)}"],"roles":[]}`,
    `{"v":1,"add":[{"account":"${id(1)}","role":"king"}],"remove":[],"roles":[]}`,
    `{"v":1,"add":[{"account":"sam","role":"owner"}],"remove":[],"roles":[]}`,
    `{"v":1,"add":[{"account":"${id(1)}","role":"owner","x":1}],"remove":[],"roles":[]}`,
    `{"v":1,"add":{},"remove":["${id(1)}"],"roles":[]}`,
    `null`,
    `[]`,
    `{"v":1,"add":[null],"remove":[],"roles":[]}`,
    "[".repeat(40_000),
  ];
  for (const text of texts) assert.equal(decodeMembershipChange(utf8(text)), undefined, text);
  const whole = utf8(`{"v":1,"add":[${one}],"remove":[],"roles":[]}`);
  assert.deepEqual(decodeMembershipChange(whole)?.add, [{ account: id(1), role: "owner" }]);
});

Deno.test("the largest change that is allowed has a text, and one more account has none", () => {
  const many = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) => ({ account: id(from + index), role: "member" }));
  const full = {
    add: many(mlsLimits.groupDevices) as MembershipChange["add"],
    remove: many(mlsLimits.groupDevices, 1000).map(({ account }) => account),
    roles: many(mlsLimits.groupDevices, 2000) as MembershipChange["roles"],
  };
  assert.deepEqual(decodeMembershipChange(encodeMembershipChange(full)), full);
  const more = { ...full, add: many(mlsLimits.groupDevices + 1, 5000) as MembershipChange["add"] };
  assert.equal(decodeMembershipChange(encodeMembershipChange(more)), undefined);
});

Deno.test("whatever is allowed leaves an owner where one stays, names only whom it may, and never the actor as removed", () => {
  fc.assert(
    fc.property(situation, ({ roles, leaving, actor, change }) => {
      const refused = refuseMembershipChange(change, { roles, leaving, actor });
      if (refused !== undefined) return;
      const after = applyMembershipChange(roles, change);
      const changed = change.add.length + change.remove.length + change.roles.length > 0;
      const owners = [...roles].filter(([, role]) => role === "owner");
      const orphaned = owners.every(([account]) => leaving.has(account));
      if (changed && !orphaned) assert.ok([...after.values()].includes("owner"));
      assert.ok(after.has(actor) && !change.remove.includes(actor));
      for (const account of leaving) assert.ok(!after.has(account));
      for (const [account, role] of after) {
        const added = change.add.some((each) => each.account === account);
        assert.ok(added !== roles.has(account), "added exactly when it was not there");
        if (roles.get(actor) !== "owner" && !added) assert.equal(role, roles.get(account));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("nobody but an owner gives or takes power, and members move nobody", () => {
  fc.assert(
    fc.property(situation, ({ roles, leaving, actor, change }) => {
      const own = roles.get(actor);
      if (own === "owner") return;
      if (refuseMembershipChange(change, { roles, leaving, actor }) !== undefined) return;
      assert.deepEqual(change.roles, []);
      assert.ok(change.add.every(({ role }) => role === "member"));
      const removed = change.remove.filter((account) => !leaving.has(account));
      assert.ok(removed.every((account) => roles.get(account) === "member"));
      if (own === "member") assert.deepEqual([...change.add, ...removed], []);
    }),
    { numRuns: 2000 },
  );
});

const roles = new Map<string, Role>([
  [id(1), "owner"],
  [id(2), "admin"],
  [id(3), "admin"],
  [id(4), "member"],
  [id(5), "member"],
]);

/** The verdict on a change by account `actor`. */
function verdict(actor: number, part: Partial<MembershipChange>, leaving: number[] = []) {
  const proposed = { roles, leaving: new Set(leaving.map(id)), actor: id(actor) };
  return refuseMembershipChange({ ...noChange, ...part }, proposed);
}

Deno.test("each role may do what it is for, and nothing beyond", () => {
  const newcomer = (role: Role) => ({ add: [{ account: id(9), role }] });
  const becomes = (account: number, role: Role) => ({ roles: [{ account: id(account), role }] });
  for (const role of allRoles) assert.equal(verdict(1, newcomer(role)), undefined);
  assert.equal(verdict(1, { remove: [id(2), id(4)] }), undefined);
  assert.equal(verdict(1, becomes(4, "owner")), undefined);
  assert.equal(verdict(2, newcomer("member")), undefined);
  assert.equal(verdict(2, { remove: [id(4), id(5)] }), undefined);
  assert.equal(verdict(2, newcomer("admin")), "not_allowed");
  assert.equal(verdict(2, { remove: [id(1)] }), "not_allowed");
  assert.equal(verdict(2, { remove: [id(3)] }), "not_allowed");
  assert.equal(verdict(2, becomes(2, "owner")), "not_allowed");
  assert.equal(verdict(2, becomes(2, "member")), "not_allowed");
  assert.equal(verdict(4, becomes(4, "owner")), "not_allowed");
  assert.equal(verdict(4, { remove: [id(5)] }), "not_allowed");
  assert.equal(verdict(4, newcomer("member")), "not_allowed");
  assert.equal(verdict(4, {}), undefined);
});

Deno.test("the last owner stays one, and nobody removes itself", () => {
  assert.equal(verdict(1, { roles: [{ account: id(1), role: "member" }] }), "no_owner");
  const handedOver: MembershipChange["roles"] = [
    { account: id(1), role: "member" },
    { account: id(4), role: "owner" },
  ];
  assert.equal(verdict(1, { roles: handedOver }), undefined);
  assert.equal(verdict(1, { remove: [id(1)] }), "not_allowed");
});

Deno.test("whoever leaves is removed by the next commit, of whomever it is", () => {
  assert.equal(verdict(4, { remove: [id(5)] }, [5]), undefined);
  assert.equal(verdict(4, { remove: [id(2)] }, [2]), undefined);
  assert.equal(verdict(4, {}, [5]), "leaving_stay");
  assert.equal(verdict(1, { remove: [id(4)] }, [5]), "leaving_stay");
  assert.equal(verdict(2, { remove: [id(4), id(5)] }, [5]), undefined);
  assert.equal(verdict(1, { roles: [{ account: id(5), role: "admin" }] }, [5]), "leaving_stay");
});

Deno.test("a group whose only owner's account is gone goes on without one, and nobody rises for it", () => {
  assert.equal(verdict(4, { remove: [id(1)] }, [1]), undefined);
  assert.equal(verdict(2, { remove: [id(1), id(5)] }, [1]), undefined);
  assert.equal(verdict(4, { remove: [id(1), id(5)] }, [1]), "not_allowed");
  const rises = { remove: [id(1)], roles: [{ account: id(2), role: "owner" as const }] };
  assert.equal(verdict(2, rises, [1]), "not_allowed");
  const without = new Map([...roles].filter(([account]) => account !== id(1)));
  const later = (actor: number, part: Partial<MembershipChange>) =>
    refuseMembershipChange({ ...noChange, ...part }, {
      roles: without,
      leaving: new Set(),
      actor: id(actor),
    });
  assert.equal(later(2, { add: [{ account: id(9), role: "member" }] }), undefined);
  assert.equal(later(2, { roles: rises.roles }), "not_allowed");
  assert.equal(later(4, { add: [{ account: id(9), role: "member" }] }), "not_allowed");
});

Deno.test("strangers are not changed, members not added again, and a full group grows no more", () => {
  assert.equal(verdict(1, { remove: [id(9)] }), "not_listed");
  assert.equal(verdict(9, { remove: [id(4)] }), "not_listed");
  assert.equal(verdict(1, { roles: [{ account: id(9), role: "admin" }] }), "not_listed");
  assert.equal(verdict(1, { add: [{ account: id(4), role: "owner" }] }), "already_listed");
  const add = Array.from({ length: mlsLimits.groupDevices - 4 }, (_, index) => ({
    account: id(100 + index),
    role: "member" as const,
  }));
  assert.equal(verdict(1, { add }), "too_many");
  assert.equal(verdict(1, { add: add.slice(1) }), undefined);
  assert.equal(verdict(1, { add, remove: [id(4)] }), undefined);
});

Deno.test("the first commit of a group lists its creator as owner", () => {
  const first = (part: Partial<MembershipChange>) =>
    refuseMembershipChange({ ...noChange, ...part }, {
      roles: new Map(),
      leaving: new Set(),
      actor: id(1),
    });
  const creator = { account: id(1), role: "owner" } as const;
  assert.equal(first({ add: [creator] }), undefined);
  assert.equal(first({ add: [{ account: id(2), role: "admin" }, creator] }), undefined);
  assert.equal(first({ add: [{ account: id(1), role: "admin" }] }), "no_owner");
  assert.equal(first({ add: [{ account: id(2), role: "owner" }] }), "no_owner");
  assert.equal(first({}), "no_owner");
  assert.equal(first({ add: [creator], remove: [id(2)] }), "not_listed");
});

Deno.test("the vectors of groups are what the code says today", async () => {
  const url = new URL("../vectors/groups.json", import.meta.url);
  const vectors: typeof groupVectors = JSON.parse(await Deno.readTextFile(url));
  assert.deepEqual(vectors, JSON.parse(JSON.stringify(groupVectors)));
  for (const { change, text } of vectors.texts) {
    assert.deepEqual(decodeMembershipChange(utf8(text)), change);
  }
  for (const text of vectors.malformed) {
    assert.equal(decodeMembershipChange(utf8(text)), undefined, text);
  }
  const verdicts = vectors.verdicts.map(({ refusal }) => refusal);
  assert.deepEqual(verdicts.filter((refusal) => refusal === null).length, 4);
});

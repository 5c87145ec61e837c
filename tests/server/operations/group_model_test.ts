/** Random changes of a group's members, against the policy that members apply too and a list of who was in when. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  allRoles,
  applyMembershipChange,
  type MembershipChange,
  refuseMembershipChange,
  type Role,
} from "../../../lib/base/membership.ts";
import { actor, backends, type Person, withWorld, type World } from "../../contract/world.ts";
import { Group } from "./group_world.ts";

const size = 6;

class Model {
  readonly world: World;
  readonly people: readonly Person[];
  readonly group: Group;
  roles: Map<string, Role>;
  readonly leaving = new Set<string>();
  /** The rows that each account's device has to get, by account. */
  readonly wanted = new Map<string, number[]>();
  /** Accounts whose device is in the group. */
  readonly seated = new Set<string>();

  constructor(world: World) {
    this.world = world;
    this.people = Array.from({ length: size }, (_, index) => world.register(`person${index}`));
    const [olga, adam, mia, max] = this.people;
    assert(olga && adam && mia && max);
    this.group = Group.create(world, [olga, adam, mia, max], { person1: "admin" });
    this.roles = new Map([
      [olga.account, "owner"],
      [adam.account, "admin"],
      [mia.account, "member"],
      [max.account, "member"],
    ]);
    for (const { account } of [olga, adam, mia, max]) {
      this.wanted.set(account, account === olga.account ? [] : [1]);
      this.seated.add(account);
    }
  }

  person(index: number): Person {
    const person = this.people[index % size];
    assert(person);
    return person;
  }

  of(account: string): Person {
    const person = this.people.find((each) => each.account === account);
    assert(person);
    return person;
  }

  commit(by: Person, change: MembershipChange): void {
    const { roles, leaving } = this;
    const devices = {
      add: change.add.map(({ account }) => actor(this.of(account))),
      remove: change.remove.filter((account) => this.seated.has(account))
        .map((account) => this.of(account).device),
    };
    const inside = roles.has(by.account) && !leaving.has(by.account);
    const refused = refuseMembershipChange(change, { roles, leaving, actor: by.account });
    const before = this.group.epoch;
    const code = this.group.code(by, change, devices);
    assert.equal(code === "ok", inside && refused === undefined, `${code}, ${refused}`);
    if (this.group.epoch === before) return;
    this.accept(by, change);
  }

  accept(by: Person, change: MembershipChange): void {
    const seq = this.head();
    for (const { account } of change.add) {
      // Whoever comes in again begins anew: what was for the device before, it can no longer use.
      this.wanted.set(account, []);
      this.seated.add(account);
    }
    for (const account of this.seated) {
      const gets = account !== by.account && (!this.leaving.has(account) ||
        change.remove.includes(account));
      if (gets) this.wanted.set(account, [...this.wanted.get(account) ?? [], seq]);
    }
    for (const account of change.remove) {
      this.seated.delete(account);
      this.leaving.delete(account);
    }
    this.roles = applyMembershipChange(this.roles, change);
  }

  head(): number {
    return this.world.backend.tables.conversations.byId(this.group.id)?.head ?? 0;
  }

  send(by: Person): void {
    const code = this.group.sending(by);
    const inside = this.roles.has(by.account) && !this.leaving.has(by.account);
    assert.equal(code === "ok", inside, code);
    if (code !== "ok") return;
    for (const account of this.seated) {
      if (account === by.account || this.leaving.has(account)) continue;
      this.wanted.set(account, [...this.wanted.get(account) ?? [], this.head()]);
    }
  }

  leave(by: Person): void {
    const owners = [...this.roles].filter(([account, role]) =>
      role === "owner" && !this.leaving.has(account)
    );
    const others = [...this.roles.keys()].filter((account) =>
      account !== by.account && !this.leaving.has(account)
    );
    const last = owners.length === 1 && owners[0]?.[0] === by.account;
    // The last one would delete it: the story ends with that elsewhere.
    if (others.length === 0) return;
    const code = this.group.leave(by);
    if (!this.roles.has(by.account)) return assert.equal(code, "no_such_conversation");
    if (this.leaving.has(by.account)) return assert.equal(code, "ok");
    assert.equal(code, last ? "last_owner" : "ok");
    if (code !== "ok") return;
    this.leaving.add(by.account);
    this.wanted.set(by.account, []);
  }

  /** Reads and acknowledges what there is: exactly the rows that it should be. */
  catchUp(person: Person): void {
    const span = { ...actor(person), conversation: this.group.id, after: 0 };
    const result = this.world.run("log.read", { ...span, limit: 256, maxBytes: 100_000 });
    const wanted = this.wanted.get(person.account) ?? [];
    assert.deepEqual(result.ok ? result.rows.map(({ seq }) => seq) : [], wanted);
    const last = wanted.at(-1);
    if (last !== undefined) this.world.ack(person, this.group.id, last);
    this.wanted.set(person.account, []);
  }

  check(): void {
    const [someone] = [...this.roles.keys()].filter((account) => !this.leaving.has(account));
    assert(someone !== undefined);
    const row = this.group.row(this.of(someone));
    assert.deepEqual(
      new Map(row.members.map(({ account, role }) => [account, role])),
      new Map(
        [...this.roles].toSorted(([a], [b]) => order(row.members, a) - order(row.members, b)),
      ),
    );
    assert.deepEqual(new Set(row.leaving), this.leaving);
    assert([...this.roles.values()].includes("owner"));
  }
}

function order(members: readonly { account: string }[], account: string): number {
  return members.findIndex((member) => member.account === account);
}

type Step = (model: Model) => void;

const who = fc.nat(size - 1);
const role = fc.constantFrom(...allRoles);
const change = fc.uniqueArray(fc.tuple(who, fc.constantFrom("add", "remove", "role"), role), {
  selector: ([index]) => index,
  maxLength: 3,
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(who, change, fc.boolean()).map(([by, parts, tidy]): Step => (model) => {
      const account = (index: number) => model.person(index).account;
      const of = (kind: string) => parts.filter((part) => part[1] === kind);
      const entry = ([index, , role]: typeof parts[number]) => ({ account: account(index), role });
      const remove = of("remove").map(([index]) => account(index));
      const add = of("add").map(entry);
      const gone = tidy ? [...new Set([...remove, ...model.leaving])] : remove;
      const named = new Set([...gone, ...add.map(({ account }) => account)]);
      const roles = of("role").map(entry).filter(({ account }) => !named.has(account));
      const fresh = add.filter(({ account }) => !gone.includes(account));
      model.commit(model.person(by), { add: fresh, remove: gone, roles });
    }),
  },
  { weight: 3, arbitrary: who.map((i): Step => (model) => model.send(model.person(i))) },
  { weight: 3, arbitrary: who.map((i): Step => (model) => model.catchUp(model.person(i))) },
  { weight: 2, arbitrary: who.map((i): Step => (model) => model.leave(model.person(i))) },
);

for (const backend of backends) {
  const name = "the server lets in and out whom the policy says, and gives each its rows";
  Deno.test(`${name} (${backend.name})`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        withWorld(backend, (world) => {
          const model = new Model(world);
          for (const each of steps) {
            each(model);
            model.check();
          }
          for (const person of model.people) model.catchUp(person);
        });
      }),
      { numRuns: 30 },
    );
  });
}

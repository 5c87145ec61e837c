/** Groups for tests of operations. */
import type { MembershipChange, Role } from "../../../lib/base/membership.ts";
import type { Input } from "../../../server/operations/contract.ts";
import { actor, type Person, type World } from "../../contract/world.ts";

/** A membership change from its parts. */
export function change(part: Partial<MembershipChange>): MembershipChange {
  return { add: [], remove: [], roles: [], ...part };
}

/** An account with a role. */
export function as(person: Person, role: Role = "member") {
  return { account: person.account, role };
}

/** A group in a world: keeps count of the epoch. */
export class Group {
  readonly world: World;
  readonly id: string;
  epoch = 1;

  private constructor(world: World, id: string) {
    this.world = world;
    this.id = id;
  }

  /** The first is its creator and owner; the others are members unless `roles` says otherwise. */
  static create(
    world: World,
    people: readonly Person[],
    roles: Partial<Record<string, Role>> = {},
  ) {
    const id: string = crypto.randomUUID();
    world.ok("conversation.create", creation(world, id, { people, roles }));
    return new Group(world, id);
  }

  /** A commit by `person`. */
  commit(
    person: Person,
    part: Partial<MembershipChange> = {},
    devices: Partial<Input<"conversation.commit">> = {},
  ): Input<"conversation.commit"> {
    return this.world.commit(person, this.id, {
      epoch: this.epoch,
      membership: change(part),
      ...devices,
    });
  }

  /** A commit that must be accepted. */
  change(
    person: Person,
    part: Partial<MembershipChange> = {},
    devices: Partial<Input<"conversation.commit">> = {},
  ): number {
    const { seq } = this.world.ok("conversation.commit", this.commit(person, part, devices));
    this.epoch += 1;
    return seq;
  }

  /** The code with which a commit is refused; "ok" when it is not. */
  code(
    person: Person,
    part: Partial<MembershipChange> = {},
    devices: Partial<Input<"conversation.commit">> = {},
  ): string {
    const code = this.world.code("conversation.commit", this.commit(person, part, devices));
    if (code === "ok") this.epoch += 1;
    return code;
  }

  add(by: Person, ...people: Person[]): number {
    return this.change(by, { add: people.map((person) => as(person)) }, { add: people.map(actor) });
  }

  remove(by: Person, ...people: Person[]): number {
    const accounts = [...new Set(people.map(({ account }) => account))];
    return this.change(by, { remove: accounts }, { remove: people.map(({ device }) => device) });
  }

  promote(by: Person, person: Person, role: Role): number {
    return this.change(by, { roles: [as(person, role)] });
  }

  leave(person: Person): string {
    return this.world.code("conversation.leave", { ...actor(person), conversation: this.id });
  }

  send(person: Person): number {
    return this.world.send(person, this.id, { epoch: this.epoch });
  }

  /** The code with which a message is refused; "ok" when it is not. */
  sending(person: Person): string {
    const input = this.world.message(person, this.id, { epoch: this.epoch });
    return this.world.code("message.send", input);
  }

  row(person: Person) {
    return this.world.conversation(person, this.id);
  }

  /** Roles by name, as `person` sees them. */
  roles(person: Person): Record<string, Role> {
    return Object.fromEntries(this.row(person).members.map(({ name, role }) => [name, role]));
  }

  /** Whether the account has it in its list. */
  isListed(person: Person): boolean {
    const query = { ...actor(person), after: undefined, limit: 50 };
    return this.world.run("conversation.list", query).conversations
      .some(({ conversation }) => conversation === this.id);
  }
}

/** The request that creates a group. */
export function creation(
  world: World,
  id: string,
  group: { readonly people: readonly Person[]; readonly roles?: Partial<Record<string, Role>> },
): Input<"conversation.create"> {
  const { people, roles = {} } = group;
  const accounts = new Map(people.map((person) => [person.account, person]));
  const add = [...accounts.values()].map((person, index) =>
    as(person, roles[person.name] ?? (index === 0 ? "owner" : "member"))
  );
  return {
    ...world.creation(id, people),
    kind: "group",
    with: undefined,
    membership: change({ add }),
  };
}

/** So many accounts, which register over some hours. */
export function crowd(world: World, count: number): Person[] {
  return Array.from({ length: count }, (_, index) => {
    if (index % 90 === 0) world.now += 60 * 60 * 1000;
    return world.register(`member${index}`);
  });
}

/** Groups for wire-level clients, with real MLS states: every member can commit, and says so itself. */
import { type Bytes, concat } from "../../lib/base/bytes.ts";
import { randomId, uuidBytes } from "../../lib/base/ids.ts";
import {
  encodeMembershipChange,
  type MembershipChange,
  type Role,
} from "../../lib/base/membership.ts";
import {
  commitHash,
  createGroup,
  createKeyPackage,
  joinFromWelcome,
  type MlsGroup,
  type PendingCommit,
} from "../../lib/mls/mod.ts";
import type { Message } from "../../lib/wire/messages.ts";
import { commitBody, mlsIdentity, type Speaker } from "./conversation.ts";

/** A change of members, with what it does to devices. */
export interface Changing {
  readonly membership?: Partial<MembershipChange>;
  readonly add?: readonly Speaker[];
  readonly remove?: readonly Speaker[];
}

/** A commit that is ready to be sent, declared as it is. */
export interface Declared {
  readonly request: Omit<Message<"conversation.commit">, "id" | "type">;
  readonly bodies: Uint8Array[];
  readonly pending: PendingCommit;
}

/** An account with a role. */
export function listed({ account }: Speaker, role: Role = "member") {
  return { account: account.id, role };
}

const entryOf = ({ account, client }: Speaker) => ({
  account: account.id,
  device: client.deviceText,
});

/** Whole lists from parts of a change. */
export function membershipBytes(part: Partial<MembershipChange>): Bytes {
  return encodeMembershipChange({ add: [], remove: [], roles: [], ...part });
}

/** Private parts of key packages, by device and reference. */
const privateStates = new Map<string, Bytes>();

/** A key package of the party's device, handed over without the server. */
export async function keyPackageOf(party: Speaker): Promise<Uint8Array> {
  const made = await createKeyPackage(mlsIdentity(party), { now: Date.now(), lastResort: false });
  privateStates.set(`${party.client.deviceText} ${made.ref}`, made.privateState);
  return made.keyPackage;
}

/** A group as the wire-level clients in it know it. */
export class WireGroup {
  readonly conversation: string;
  /** By device key. */
  readonly #states = new Map<string, MlsGroup>();

  private constructor(conversation: string) {
    this.conversation = conversation;
  }

  /** Makes a group on the server; the first is its creator and owner. */
  static async create(
    people: readonly [Speaker, ...Speaker[]],
    roles: Readonly<Record<string, Role>> = {},
  ): Promise<WireGroup> {
    const made = await WireGroup.draft(people, roles);
    const [creator] = people;
    await creator.client.request({ type: "conversation.create", ...made.request }, made.bodies);
    made.group.keep(creator, made.pending.next);
    for (const other of people.slice(1)) await made.group.join(other, made.pending);
    return made.group;
  }

  /** What creates a group, not sent yet. */
  static async draft(
    people: readonly [Speaker, ...Speaker[]],
    roles: Readonly<Record<string, Role>> = {},
  ) {
    const [creator, ...others] = people;
    const group = new WireGroup(randomId());
    const context = { identity: mlsIdentity(creator), accept: () => true };
    const { conversation } = group;
    const alone = await createGroup(uuidBytes(conversation), { ...context, now: Date.now() });
    const add = people.map((each, index) =>
      listed(each, roles[each.account.name] ?? (index === 0 ? "owner" : "member"))
    );
    const pending = await alone.commit({
      add: await Promise.all(others.map(keyPackageOf)),
      authenticatedData: membershipBytes({ add }),
      now: Date.now(),
    });
    if (pending.kind !== "pending") throw new Error(pending.detail);
    const { parts, bodies, body } = commitBody(pending);
    const roster = people.map(entryOf);
    const kind = "group" as const;
    const request = { conversation, kind, hash: pending.hash, roster, parts, body };
    return { group, request, bodies, pending };
  }

  /** The party's state. */
  state(party: Speaker): MlsGroup {
    const state = this.#states.get(party.client.deviceText);
    if (state === undefined) throw new Error(`${party.account.name} is not in the group`);
    return state;
  }

  /** The party goes on with this state. */
  keep(party: Speaker, state: MlsGroup): void {
    this.#states.set(party.client.deviceText, state);
  }

  /** The party joins by the welcome of a commit. */
  async join(party: Speaker, { welcome }: PendingCommit): Promise<void> {
    if (welcome === undefined) throw new Error("nobody is welcomed");
    const identity = mlsIdentity(party);
    const joined = await joinFromWelcome(welcome, {
      identity,
      accept: () => true,
      privateStates: (ref) => privateStates.get(`${party.client.deviceText} ${ref}`),
    });
    if (joined.kind !== "joined") throw new Error(joined.detail);
    this.keep(party, joined.group);
  }

  /** A commit by the party, not sent yet. */
  async draft(
    party: Speaker,
    { membership = {}, add = [], remove = [] }: Changing,
  ): Promise<Declared> {
    const state = this.state(party);
    const gone = new Set(remove.map(({ client }) => client.deviceText));
    const leaves = state.members().filter(({ certificate }) =>
      [...remove].some(({ client }) => same(client.device.publicKey, certificate.deviceKey))
    );
    const pending = await state.commit({
      add: await Promise.all(add.map(keyPackageOf)),
      remove: leaves.map(({ leafIndex }) => leafIndex),
      authenticatedData: membershipBytes(membership),
      now: Date.now(),
    });
    if (pending.kind !== "pending") throw new Error(pending.detail);
    return this.declare(pending, { add, gone: [...gone] });
  }

  /** The request for a commit. */
  declare(
    pending: PendingCommit,
    { add, gone }: { readonly add: readonly Speaker[]; readonly gone: readonly string[] },
  ): Declared {
    const { parts, bodies, body } = commitBody(pending);
    const { conversation } = this;
    const { hash, epoch } = pending;
    const change = { external: false, add: add.map(entryOf), remove: [...gone] };
    return { request: { conversation, hash, epoch, ...change, parts, body }, bodies, pending };
  }

  /** Sends a commit; rejects with the refusal. */
  async send(party: Speaker, { request, bodies }: Omit<Declared, "pending">) {
    return await party.client.request({ type: "conversation.commit", ...request }, bodies);
  }

  /** A commit that must be accepted; all others in the group apply it. */
  async change(
    party: Speaker,
    changing: Changing,
    others: readonly Speaker[] = [],
  ): Promise<number> {
    const declared = await this.draft(party, changing);
    const { message } = await this.send(party, declared);
    this.keep(party, declared.pending.next);
    for (const other of others) await this.apply(other, declared.pending.bytes);
    for (const added of changing.add ?? []) await this.join(added, declared.pending);
    return message.seq;
  }

  /** The party applies somebody else's commit. */
  async apply(party: Speaker, commit: Uint8Array): Promise<void> {
    const processed = await this.state(party).process(commit);
    if (processed.kind !== "commit") throw new Error(`no commit: ${processed.kind}`);
    this.keep(party, processed.group);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Where the authenticated data of a public commit by a member begins: versions, group id, epoch, sender. */
const dataAt = 2 + 2 + 17 + 8 + 5;

/**
 * The commit with other authenticated data, as its sender would forge it: server and members see the new bytes, only
 * members see that the signature is of others.
 */
export function forged(declared: Declared, data: Uint8Array): Declared {
  const { bytes } = declared.pending;
  const old = vectorLength(bytes.subarray(dataAt));
  const commit = concat(bytes.subarray(0, dataAt), vector(data), bytes.subarray(dataAt + old));
  const [, ...rest] = declared.bodies;
  const [, welcome, groupInfo] = declared.request.parts;
  const body = commit.length + welcome + groupInfo;
  return {
    ...declared,
    request: {
      ...declared.request,
      hash: commitHash(commit),
      parts: [commit.length, welcome, groupInfo],
      body,
    },
    bodies: [commit, ...rest],
  };
}

/** Bytes of a whole vector (RFC 9420 section 2.1.2). */
function vectorLength(bytes: Uint8Array): number {
  const [first = 0, second = 0] = bytes;
  return first < 64 ? 1 + first : 2 + ((first & 63) << 8 | second);
}

function vector(content: Uint8Array): Uint8Array {
  const { length } = content;
  if (length < 64) return concat(Uint8Array.of(length), content);
  return concat(Uint8Array.of(0x40 | length >> 8, length & 255), content);
}

/** Two servers at the level of operations: what one has queued for the other is handed over item by item. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { type DeviceCertificate, issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { issueRevocation } from "../../../lib/crypto/certificate.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey, type SigningKey } from "../../../lib/crypto/sign.ts";
import { matches } from "./item_schema.ts";
import type {
  Input,
  OperationName,
  PeerItem,
  PeerRow,
  Result,
} from "../../../server/operations/contract.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import { beginAnew } from "../../../server/backup/conversations.ts";
import { migrations } from "../../../server/tables/sqlite/schema.ts";
import { backends, type Person, World, type WorldOptions } from "../../contract/world.ts";
import { TempFolder } from "../../kit/folder.ts";

/** Somebody with keys that are worth something elsewhere. */
export interface Somebody extends Person {
  readonly keys: SigningKey;
  readonly certificate: string;
}

/** One of the servers. */
export class Side {
  readonly name: string;
  readonly identity = generateSigningKey();
  world: World;
  readonly peers = new Map<string, PeerRow>();
  readonly #open: () => World;
  readonly #file: string;

  constructor(name: string, place: { readonly file: string; readonly open: () => World }) {
    this.name = name;
    this.#file = place.file;
    this.#open = place.open;
    this.world = place.open();
  }

  /** Keeps what it has now, as a backup would. */
  save(): void {
    this.#reopened(() => Deno.copyFileSync(this.#file, `${this.#file}.saved`));
  }

  /** Goes back to what was kept, as the operator's command does. */
  restore(): void {
    this.#reopened(() => {
      Deno.copyFileSync(`${this.#file}.saved`, this.#file);
      const database = openDatabase(this.#file, { migrations, cacheKiB: 1024 });
      database.transaction(() => beginAnew(database, { numberGap: 1000, now: this.world.now }));
      database.close();
    });
  }

  #reopened(change: () => void): void {
    const { now } = this.world;
    this.world.backend.close();
    change();
    this.world = this.#open();
    this.world.now = now + 1000;
  }

  get fingerprint(): string {
    return fingerprintHex(this.identity.publicKey);
  }

  /** Storage key of another server here. */
  keyOf(other: Side): number {
    const row = this.peers.get(other.name);
    if (row === undefined) throw new Error("not linked");
    return row.peer;
  }

  #certify(about: { name: string; account: string; keys: SigningKey; device: SigningKey }) {
    return issueDeviceCertificate({
      name: about.name,
      accountId: about.account,
      serverKey: this.identity.publicKey,
      accountKey: about.keys,
      deviceKey: about.device.publicKey,
      createdAt: 1,
    });
  }

  register(name: string): Somebody {
    const [keys, device] = [generateSigningKey(), generateSigningKey()];
    const input = this.world.registration(name);
    const certificate = text(this.#certify({ name, account: input.account, keys, device }));
    const made = {
      ...input,
      accountKey: toBase64url(keys.publicKey),
      device: toBase64url(device.publicKey),
      certificate,
    };
    const welcome = this.world.ok("account.register", made);
    const { account, arrival } = input;
    return { account, device: made.device, name, welcome, arrival, keys, certificate };
  }

  /** Another device of the same account. */
  enrol(person: Somebody): Somebody {
    const { name, account, keys } = person;
    const device = generateSigningKey();
    const certificate = text(this.#certify({ name, account, keys, device }));
    const arrival = this.world.arrival();
    const id = toBase64url(device.publicKey);
    const input = { account, device: id, certificate, label: "phone", arrival };
    return {
      ...person,
      device: id,
      certificate,
      arrival,
      welcome: this.world.ok("device.enrol", input),
    };
  }

  revoke(by: Somebody, revoked: Somebody): void {
    const revocation = issueRevocation({
      accountKey: by.keys,
      accountId: by.account,
      deviceKey: fromBase64url(revoked.device),
      revokedAt: 1,
    });
    this.world.ok("device.revoke", {
      account: by.account,
      device: by.device,
      revoked: revoked.device,
      revocation: toBase64url(revocation.bytes),
    });
  }

  /** `claimer` of this server has claimed the keys of these people of the other one, which asks them first or not. */
  learn(claimer: Person, server: Side, people: readonly Somebody[], asked = false): void {
    for (const { account, certificate } of people) {
      this.world.ok("claim.learn", {
        account: claimer.account,
        device: claimer.device,
        identity: toBase64url(server.identity.publicKey),
        target: account,
        certificates: [certificate],
        asked,
      });
    }
  }

  /** What waits for the other one. */
  waiting(other: Side, after = 0): PeerItem[] {
    const span = { peer: this.keyOf(other), after, limit: 256, maxBytes: 1024 * 1024 };
    return this.world.run("peer.outgoing", span).items;
  }

  kinds(other: Side): string[] {
    return this.waiting(other).map(({ item }) => JSON.parse(item).kind);
  }

  queued(other: Side): number {
    return this.world.run("peer.list", {}).peers.find(({ peer }) => peer === this.keyOf(other))
      ?.queued ?? NaN;
  }
}

const text = ({ bytes }: DeviceCertificate) => toBase64url(bytes);

/** Both greet, as they do whenever a link begins. */
export function link(a: Side, b: Side): void {
  for (let tries = 0; tries < 3; tries++) {
    const said = [a, b].map((side, at) =>
      side.world.ok("peer.position", { peer: side.keyOf(at === 0 ? b : a) })
    );
    const results = [a, b].map((side, at) => {
      const other = at === 0 ? b : a;
      const theirs = said[1 - at];
      if (theirs === undefined) throw new Error("nobody");
      return side.world.ok("peer.linked", {
        peer: side.keyOf(other),
        identity: toBase64url(other.identity.publicKey),
        declared: other.name,
        theirs,
        lobby: false,
      });
    });
    if (results.every(({ after }) => after !== null)) return;
  }
  throw new Error("no link");
}

function add(side: Side, other: Side): void {
  const { peer } = side.world.ok("peer.add", {
    fingerprint: other.fingerprint,
    identity: toBase64url(other.identity.publicKey),
    name: other.name,
    declared: other.name,
    address: null,
    pin: "fingerprint",
  });
  side.peers.set(other.name, peer);
}

/** Hands over what `from` has queued for `to`; every item must be as the catalogue says. */
export function deliver(from: Side, to: Side): number {
  const items = from.waiting(to);
  const last = items.at(-1);
  if (last === undefined) return 0;
  for (const { item } of items) ok(matches(JSON.parse(item)), item);
  const done = to.world.ok("peer.receive", { peer: to.keyOf(from), items });
  from.world.run("peer.acked", { peer: from.keyOf(to), counter: done.received });
  return items.length;
}

/** Hands everything over until nothing waits. */
export function exchange(...sides: readonly Side[]): void {
  for (let moved = 1; moved > 0;) {
    moved = 0;
    for (const from of sides) {
      for (const to of sides) {
        if (from !== to && from.peers.has(to.name)) moved += deliver(from, to);
      }
    }
  }
}

/** A direct conversation that somebody of `hub` begins with somebody of another server, all of whose devices are claimed. */
export function converse(
  hub: Side,
  ann: Somebody,
  other: Side,
  devices: readonly [Somebody, ...Somebody[]],
  asked = false,
): string {
  hub.learn(ann, other, devices, asked);
  const id = crypto.randomUUID();
  hub.world.ok("conversation.create", hub.world.creation(id, [ann, ...devices]));
  return id;
}

/** Items as if `from` had queued them: whatever it likes. */
export function say(from: Side, to: Side, ...items: { item: object; body?: Uint8Array }[]): void {
  const peer = to.world.backend.tables.peers.byKey(to.keyOf(from));
  const after = peer?.received?.counter ?? 0;
  const said: PeerItem[] = items.map(({ item, body = new Uint8Array(0) }, at) => ({
    counter: after + 1 + at,
    item: JSON.stringify(item),
    body,
  }));
  const done = to.world.ok("peer.receive", { peer: to.keyOf(from), items: said });
  strictEqual(done.received, after + said.length);
}

/** The hub carries out what `from` hands on for one of its accounts. */
export function handed<N extends OperationName>(
  hub: Side,
  from: Side,
  name: N,
  input: Input<N>,
): Result<N> {
  return hub.world.run(name, { ...input, peer: hub.keyOf(from) });
}

/** Both have the same idea of the conversation. */
export function sameState(one: Side, other: Side, id: string): void {
  deepStrictEqual(stateOf(other, id), stateOf(one, id));
}

function stateOf({ world: { backend: { tables } } }: Side, id: string) {
  const conversation = tables.conversations.byId(id);
  if (conversation === undefined) return undefined;
  const { head, epoch, incarnation, members, seats, removals, kind } = conversation;
  return {
    kind,
    head,
    epoch,
    incarnation,
    members: members.filter(({ state }) => state !== "out")
      .map(({ account, role, state }) =>
        `${tables.accounts.byKey(account).account} ${role} ${state === "left"}`
      ).toSorted(),
    roster: [...seats.values()].filter(({ until }) => until === null).map(({ key }) => key)
      .toSorted(),
    removals: [...removals].toSorted(),
  };
}

/** Which servers there are. */
export interface LinkedOptions extends WorldOptions {
  readonly names?: readonly string[];
  /** Pairs of names, in that order; all are linked when left out. */
  readonly links?: readonly (readonly [string, string])[];
}

/** Runs `test` with linked servers of these names, on every backend. */
export function linkedWorlds(
  name: string,
  test: (...sides: Side[]) => void | Promise<void>,
  { names = ["alpha", "beta"], links, ...options }: LinkedOptions = {},
): void {
  for (const backend of backends) {
    Deno.test(`${name} (${backend.name})`, async () => {
      await using folder = await TempFolder.make();
      const sides = names.map((each) => {
        const path = `${folder.path}/${each}`;
        Deno.mkdirSync(path);
        const open = () => new World(backend.open(path), options);
        return new Side(each, { open, file: `${path}/test.db` });
      });
      const pairs = sides.flatMap((one, at) =>
        sides.slice(at + 1).map((two) => [one, two] as const)
      );
      for (const [one, two] of pairs) {
        if (links?.every(([a, b]) => a !== one.name || b !== two.name)) continue;
        add(one, two);
        add(two, one);
        link(one, two);
      }
      await test(...sides);
      for (const { world } of sides) world.backend.close();
    });
  }
}

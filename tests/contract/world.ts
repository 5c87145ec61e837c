/** A server's storage side for tests: every backend there is, the operations over it, a clock that can be moved. */
import { join } from "node:path";
import { toBase64url } from "../../lib/base/bytes.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import { noChange } from "../../lib/base/membership.ts";
import type {
  Actor,
  Arrival,
  ArrivalOutcome,
  Input,
  Nudge,
  OperationName,
  Result,
  RosterEntry,
} from "../../server/operations/contract.ts";
import { defaultFileSettings } from "../../server/operations/context.ts";
import { BatchRunner, type Work } from "../../server/storage/batch.ts";
import { openSqliteBackend } from "../../server/tables/sqlite/open.ts";
import type { Backend } from "../../server/tables/tables.ts";

/** Every backend that must behave alike: its name, and how to open it in a folder. */
export const backends: readonly { readonly name: string; open(folder: string): Backend }[] = [
  { name: "sqlite", open: (folder) => openSqliteBackend(join(folder, "test.db")) },
];

/** 32 random bytes in base64url: a key, a hash, a certificate. */
export const randomKey = () => toBase64url(crypto.getRandomValues(new Uint8Array(32)));

/** The answer to becoming ready, when it was positive. */
export type Welcomed = Extract<ArrivalOutcome, { readonly ok: true }>;

/** One account of a test with one of its devices. */
export interface Person extends Actor {
  readonly name: string;
  readonly welcome: Welcomed;
  readonly arrival: Arrival;
}

/** What the operator of a world decided. */
export interface WorldOptions {
  readonly registration?: "open" | "closed";
  readonly consent?: "none" | "remote" | "all";
  readonly lobbyPeers?: boolean;
}

/** Operations over one backend, each in a transaction of its own. */
export class World {
  readonly backend: Backend;
  readonly #runner: BatchRunner;
  /** The time of the next operation. */
  now = Date.UTC(2026, 10, 21);
  /** How much of `now` is no time that passed but the clock being set. */
  jumpedMs = 0;
  /** What the last operation told gateways. */
  nudges: readonly Nudge[] = [];
  #made = 0;

  /** What the operator decided about files; to be replaced before the operation that it is for. */
  readonly files = { ...defaultFileSettings };

  constructor(
    backend: Backend,
    { registration = "open", consent = "remote", lobbyPeers = false }: WorldOptions = {},
  ) {
    this.backend = backend;
    const registrationsPerHour = serverLimits.registrationsPerAddressPerHour;
    this.#runner = new BatchRunner(backend, {
      settings: { registration, registrationsPerHour, consent, files: this.files, lobbyPeers },
      now: () => this.now,
      uptime: () => this.now - this.jumpedMs,
    });
  }

  /** The same storage under a new process, which does not know how long the old one ran. */
  restarted(): World {
    const world = new World(this.backend);
    world.now = this.now;
    return world;
  }

  /** Runs several operations in one transaction. */
  batch(works: readonly Work[]) {
    const outcome = this.#runner.run(works);
    this.nudges = outcome.nudges;
    return outcome.endings;
  }

  /** Runs one operation; throws what it throws. */
  run<N extends OperationName>(name: N, input: Input<N>): Result<N> {
    const [ending] = this.batch([{ name, input }]);
    if (ending === undefined) throw new Error("no ending");
    if (!ending.ok) throw ending.error;
    return ending.result as Result<N>;
  }

  /** Runs one operation that must not be refused. */
  ok<N extends OperationName>(
    name: N,
    input: Input<N>,
  ): Extract<Result<N>, { readonly ok: true }> {
    const result: object = this.run(name, input);
    if (!("ok" in result) || result.ok !== true) {
      throw new Error(`${name} was refused: ${JSON.stringify(result)}`);
    }
    return result as Extract<Result<N>, { readonly ok: true }>;
  }

  /** The code with which one operation is refused; "ok" when it is not. */
  code<N extends OperationName>(name: N, input: Input<N>): string {
    const result: object = this.run(name, input);
    return "code" in result ? String(result.code) : "ok";
  }

  /** What the last operation told of this kind. */
  told<K extends Nudge["kind"]>(kind: K): Extract<Nudge, { readonly kind: K }>[] {
    return this.nudges.filter((nudge): nudge is Extract<Nudge, { readonly kind: K }> =>
      nudge.kind === kind
    );
  }

  arrival(changes: Partial<Arrival> = {}): Arrival {
    const session = `session-${++this.#made}`;
    const instance = crypto.randomUUID();
    return { gateway: 0, session, instance, receive: true, replace: false, ...changes };
  }

  registration(name: string): Input<"account.register"> {
    return {
      name,
      remote: "192.0.2.1",
      account: crypto.randomUUID(),
      accountKey: randomKey(),
      record: `record of ${name}`,
      vault: new TextEncoder().encode(`vault of ${name}`),
      device: randomKey(),
      certificate: randomKey(),
      label: "laptop",
      arrival: this.arrival(),
    };
  }

  register(name: string): Person {
    const input = this.registration(name);
    const welcome = this.ok("account.register", input);
    const { account, device, arrival } = input;
    return { account, device, name, welcome, arrival };
  }

  /** Another device of the same account. */
  enrol(person: Person, label = "phone"): Person {
    const arrival = this.arrival();
    const { account, name } = person;
    const device: string = randomKey();
    const certificate = randomKey();
    const welcome = this.ok("device.enrol", { account, device, certificate, label, arrival });
    return { account, device, name, welcome, arrival };
  }

  revoke(by: Person, revoked: Person): void {
    const { account, device } = by;
    const revocation = randomKey();
    this.ok("device.revoke", { account, device, revoked: revoked.device, revocation });
  }

  /** A direct conversation of these devices; the first creates it, the second's account is the other one. */
  converse(...people: [Person, ...Person[]]): string {
    const conversation: string = crypto.randomUUID();
    this.ok("conversation.create", this.creation(conversation, people));
    return conversation;
  }

  creation(conversation: string, people: readonly Person[]): Input<"conversation.create"> {
    const [creator, other] = people;
    if (creator === undefined) throw new Error("nobody");
    return {
      ...actor(creator),
      conversation,
      kind: "direct",
      with: other?.account ?? creator.account,
      hash: randomKey(),
      roster: people.map(actor),
      commit: new Uint8Array([1]),
      welcome: new Uint8Array(people.length > 1 ? 1 : 0).fill(2),
      groupInfo: new Uint8Array([3]),
      membership: noChange,
    };
  }

  commit(
    person: Person,
    conversation: string,
    change: Partial<Input<"conversation.commit">> = {},
  ): Input<"conversation.commit"> {
    return {
      ...actor(person),
      conversation,
      epoch: 1,
      external: false,
      add: [],
      remove: [],
      hash: randomKey(),
      commit: new Uint8Array([4]),
      welcome: new Uint8Array(change.add?.length ? 1 : 0).fill(5),
      groupInfo: new Uint8Array([6]),
      membership: noChange,
      ...change,
    };
  }

  /** Time-ordered: later ones are greater. */
  messageId(): string {
    const count = (++this.#made).toString(16).padStart(12, "0");
    return `01900000-0000-7000-8000-${count}`;
  }

  message(
    person: Person,
    conversation: string,
    change: Partial<Input<"message.send">> = {},
  ): Input<"message.send"> {
    const bytes = new Uint8Array([7]);
    const message = this.messageId();
    return { ...actor(person), conversation, message, epoch: 1, bytes, ...change };
  }

  send(person: Person, conversation: string, change: Partial<Input<"message.send">> = {}): number {
    return this.ok("message.send", this.message(person, conversation, change)).seq;
  }

  read(person: Person, conversation: string, after = 0) {
    const span = { after, limit: 256, maxBytes: 1024 * 1024 };
    return this.ok("log.read", { ...actor(person), conversation, ...span }).rows;
  }

  ack(person: Person, conversation: string, seq: number): void {
    this.run("message.ack", { ...actor(person), acks: [{ conversation, seq }] });
  }

  markRead(person: Person, conversation: string, seq: number): number {
    return this.ok("message.read", { ...actor(person), conversation, seq }).unread;
  }

  conversation(person: Person, id: string) {
    const list = this.run("conversation.list", { ...actor(person), after: undefined, limit: 50 });
    const found = list.conversations.find(({ conversation }) => conversation === id);
    if (found === undefined) throw new Error("not listed");
    return found;
  }

  notifications(person: Person, unseen = true) {
    const query = { unseen, after: 0, limit: 100 };
    return this.run("notification.list", { ...actor(person), ...query }).notifications;
  }

  /** Rows of the log that are still stored, in sequence. */
  stored(conversation: string): number[] {
    const found = this.backend.tables.conversations.byId(conversation);
    if (found === undefined) return [];
    const span = {
      after: 0,
      through: found.head,
      device: 0,
      account: 0,
      limit: 100_000,
      maxBytes: undefined,
    };
    return this.backend.tables.log.read(found.key, span).map(({ seq }) => seq);
  }
}

/** The acting party that a person is. */
export function actor({ account, device }: Actor): RosterEntry & Actor {
  return { account, device };
}

/** Declares the test once per backend. */
export function everyBackend(
  name: string,
  test: (world: World) => void,
  options: WorldOptions = {},
): void {
  for (const backend of backends) {
    Deno.test(`${name} (${backend.name})`, () => withWorld(backend, test, options));
  }
}

/** Runs `test` over a fresh database that is deleted afterwards. */
export function withWorld(
  backend: typeof backends[number],
  test: (world: World) => void,
  options?: WorldOptions,
): void {
  const folder = Deno.makeTempDirSync();
  const opened = backend.open(folder);
  try {
    test(new World(opened, options));
  } finally {
    opened.close();
    Deno.removeSync(folder, { recursive: true });
  }
}

/**
 * Load of one large group: every device of it is online. It grows in two commits with real MLS; its messages look like
 * MLS from outside. Arguments: `group`, the number of accounts (two devices each), the number of messages.
 */
import { randomId, timeOrderedId, uuidBytes } from "../lib/base/ids.ts";
import { encodeMembershipChange, noChange, type RoleEntry } from "../lib/base/membership.ts";
import { generateSigningKey } from "../lib/crypto/sign.ts";
import { createGroup, type MlsGroup } from "../lib/mls/mod.ts";
import type { Connection } from "../lib/wire/connection.ts";
import type { PinnedServer } from "../lib/wire/tls.ts";
import {
  commitBody,
  lookalikeMessage,
  mlsIdentity,
  offerKeyPackage,
  type Party,
} from "../tests/kit/conversation.ts";
import { WireClient } from "../tests/kit/wire_client.ts";
import { bare, generate, messageBytes, nextLine, party, say } from "./load_kit.ts";

/** Bytes of one frame's body. */
const frameBytes = 1024 * 1024;

async function secondDevice(server: PinnedServer, { account }: Party): Promise<Party> {
  const client = await WireClient.connect(server, { device: generateSigningKey() });
  await client.logIn(account);
  await client.enrol(account);
  return { client, account };
}

const entry = ({ client, account }: Party) => ({ account: account.id, device: client.deviceText });

/** What the server keeps for these accounts, one package for each device that is not in the group. */
async function claim(creator: Party, accounts: readonly Party[], conversation: string) {
  const claimed = await Promise.all(accounts.map(async ({ account }) => {
    const { message, body } = await creator.client.request({
      type: "keypackages.claim",
      account: account.id,
      conversation,
    });
    let offset = 0;
    return message.packages.map(({ length }) => {
      offset += length;
      return body.slice(offset - length, offset);
    });
  }));
  return claimed.flat();
}

interface Growing {
  readonly creator: Party;
  readonly conversation: string;
  readonly group: MlsGroup;
}

/** Adds devices by one commit, staged where it is large; how long each part took, in milliseconds. */
async function grow(
  { creator, conversation, group }: Growing,
  added: {
    readonly accounts: readonly Party[];
    readonly devices: readonly Party[];
    readonly roles: RoleEntry[];
  },
) {
  const began = performance.now();
  const add = await claim(creator, added.accounts, conversation);
  const claimed = performance.now();
  const membership = { ...noChange, add: added.roles };
  const authenticatedData = encodeMembershipChange(membership);
  const pending = await group.commit({ add, authenticatedData, now: Date.now() });
  if (pending.kind !== "pending") throw new Error(pending.detail);
  const built = performance.now();
  const { parts, bodies } = commitBody(pending);
  const { hash, epoch } = pending;
  const whole = new Uint8Array(await new Blob(bodies as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  const ahead = Math.max(0, whole.length - frameBytes);
  for (let offset = 0; offset < ahead; offset += frameBytes) {
    const piece = whole.subarray(offset, Math.min(ahead, offset + frameBytes));
    const stage = { type: "conversation.stage", hash, offset, body: piece.length } as const;
    await creator.client.request(stage, piece);
  }
  const rest = whole.subarray(ahead);
  const common = { conversation, hash, parts, body: rest.length };
  if (epoch === 0) {
    const roster = [creator, ...added.devices].map(entry);
    const made = { type: "conversation.create", kind: "group", roster, ...common } as const;
    await creator.client.request(made, rest);
  } else {
    const change = { external: false, add: added.devices.map(entry), remove: [] };
    const made = { type: "conversation.commit", epoch, ...change, ...common } as const;
    await creator.client.request(made, rest);
  }
  const done = performance.now();
  const [commit, welcome, info] = parts;
  const took = { addMs: done - began, claimMs: claimed - began, buildMs: built - claimed };
  return { next: pending.next, ...took, commitMs: done - built, commit, welcome, info };
}

/** What arrived where and when. */
class Arrivals {
  readonly sentAt = new Map<string, number>();
  readonly left = new Map<string, number>();
  readonly each: number[] = [];
  readonly last: number[] = [];
  #onDone = () => {};

  constructor(readonly receivers: number) {}

  sent(message: string): void {
    this.sentAt.set(message, performance.now());
    this.left.set(message, this.receivers);
  }

  got(message: string): void {
    const took = performance.now() - (this.sentAt.get(message) ?? 0);
    const left = (this.left.get(message) ?? 0) - 1;
    this.each.push(took);
    if (left > 0) return void this.left.set(message, left);
    this.left.delete(message);
    this.last.push(took);
    this.#onDone();
  }

  /** Resolves when at most so many messages are on their way. */
  async atMost(count: number): Promise<void> {
    while (this.left.size > count) {
      await new Promise<void>((resolve) => this.#onDone = resolve);
    }
  }
}

async function receive(connection: Connection, conversation: string, arrivals: Arrivals) {
  for (;;) {
    const arrived = await connection.receive();
    if (arrived === undefined) return;
    let seq = 0;
    for (const { message } of arrived) {
      if ("seq" in message && "conversation" in message) seq = Math.max(seq, message.seq ?? 0);
      if (message.type === "message") arrivals.got(message.message);
    }
    if (seq > 0) connection.send({ type: "message.ack", acks: [{ conversation, seq }] });
  }
}

const at = (numbers: number[], part: number) =>
  numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) * part)];

async function group(server: PinnedServer, [members = 100, rounds = 50]: number[]): Promise<void> {
  const creator = await party(server, "member0");
  const first: Party[] = [];
  for (let index = 1; index < members; index++) first.push(await party(server, `member${index}`));
  for (const each of first) await offerKeyPackage(each);
  say({ ready: true });
  const conversation = randomId();
  const context = { identity: mlsIdentity(creator), accept: () => true };
  const alone = await createGroup(uuidBytes(conversation), { ...context, now: Date.now() });
  const owner = { account: creator.account.id, role: "owner" } as const;
  const start = { creator, conversation };
  const made = await grow({ ...start, group: alone }, {
    accounts: [],
    devices: [],
    roles: [owner],
  });
  const roles = first.map(({ account }) => ({ account: account.id, role: "member" as const }));
  const grown = await grow({ ...start, group: made.next }, {
    accounts: first,
    devices: first,
    roles,
  });
  const second: Party[] = [];
  for (const each of [creator, ...first]) second.push(await secondDevice(server, each));
  for (const each of second) await offerKeyPackage(each);
  const accounts = [creator, ...first];
  await grow({ ...start, group: grown.next }, { accounts, devices: second, roles: [] });
  const everybody = [...first, ...second];
  const arrivals = new Arrivals(everybody.length);
  for (const each of everybody) {
    void receive(await bare(server, each), conversation, arrivals);
  }
  const { next: _, ...figures } = grown;
  say({ devices: everybody.length + 1, ...figures });
  await nextLine();
  const sender = await bare(server, creator);
  void receive(sender, conversation, new Arrivals(0));
  const send = () => {
    const message = timeOrderedId(Date.now());
    const bytes = lookalikeMessage(conversation, { epoch: 3, size: messageBytes - 70 });
    arrivals.sent(message);
    const request = { type: "message.send", id: sent++, conversation, message, epoch: 3 } as const;
    sender.send({ ...request, body: bytes.length }, bytes);
  };
  let sent = 1;
  const run = async (inFlight: number) => {
    const began = performance.now();
    for (let round = 0; round < rounds; round++) {
      await arrivals.atMost(inFlight - 1);
      send();
    }
    await arrivals.atMost(0);
    return rounds * everybody.length / ((performance.now() - began) / 1000);
  };
  await run(1);
  arrivals.each.length = arrivals.last.length = 0;
  const perSecond = await run(1);
  const latencies = [...arrivals.each];
  const last = [...arrivals.last];
  const burstPerSecond = await run(16);
  say({
    p50: at(latencies, 0.5),
    p99: at(latencies, 0.99),
    last50: at(last, 0.5),
    last99: at(last, 0.99),
    perSecond,
    burstPerSecond,
    deliveries: 3 * rounds * everybody.length,
  });
  await nextLine();
}

const [, ...numbers] = Deno.args;
await generate((server) => group(server, numbers.map(Number)));

/**
 * The load generator: clients at the level of the wire in a process of their own. Real TLS, frames and signatures;
 * bodies of a real message's size with a real clear header, so that the server does all that it does for real clients.
 *
 * Arguments: workload, then its numbers; a server's port, identity and authority come by standard input as JSON. It
 * prints one line of JSON when it is ready, waits for a line, runs, and prints its figures as one line of JSON.
 */
import { timeOrderedId } from "../lib/base/ids.ts";
import { generateSigningKey } from "../lib/crypto/sign.ts";
import type { Arrived } from "../lib/wire/messages.ts";
import type { Connection } from "../lib/wire/connection.ts";
import type { PinnedServer } from "../lib/wire/tls.ts";
import {
  createConversation,
  lookalikeMessage,
  offerKeyPackage,
} from "../tests/kit/conversation.ts";
import { WireClient } from "../tests/kit/wire_client.ts";
import {
  bare,
  type Elsewhere,
  generate,
  messageBytes,
  nextLine,
  party,
  say,
  wait,
} from "./load_kit.ts";

/** A pair under load: one sends with so many in flight, the other takes and acknowledges. */
class Pair {
  readonly #sender: Connection;
  readonly #receiver: Connection;
  readonly #conversation: string;
  readonly #body: Uint8Array;
  /** When each message under way was sent, by request id. */
  readonly #sentAt = new Map<number, number>();
  #id = 1;
  #sending = false;
  #wanted = Infinity;
  readonly #all = Promise.withResolvers<void>();
  accepted = 0;
  delivered = 0;
  lastSeq = 0;
  disordered = 0;
  latencies: number[] = [];

  constructor(sender: Connection, receiver: Connection, conversation: string) {
    this.#sender = sender;
    this.#receiver = receiver;
    this.#conversation = conversation;
    this.#body = lookalikeMessage(conversation, { epoch: 1, size: messageBytes - 70 });
  }

  begin(inFlight: number): void {
    this.#sending = true;
    void this.#take(this.#receiver, (arrived) => this.#received(arrived));
    void this.#take(this.#sender, (arrived) => this.#answered(arrived));
    for (let count = 0; count < inFlight; count++) this.#send();
  }

  end(): void {
    this.#sending = false;
  }

  /** Sends so many and no more; resolves when all are accepted. */
  async sendAll(count: number): Promise<void> {
    this.#wanted = count;
    this.begin(Math.min(64, count));
    await this.#all.promise;
  }

  async #take(
    connection: Connection,
    handle: (arrived: readonly Arrived[]) => void,
  ): Promise<void> {
    for (;;) {
      const arrived = await connection.receive();
      if (arrived === undefined) return;
      handle(arrived);
    }
  }

  #send(): void {
    if (this.#id > this.#wanted) return;
    const id = this.#id++;
    const now = Date.now();
    this.#sentAt.set(id, performance.now());
    const message = `{"type":"message.send","id":${id},"conversation":"${this.#conversation}",` +
      `"message":"${timeOrderedId(now)}","epoch":1,"body":${this.#body.length}}`;
    this.#sender.sendEncoded(message, this.#body);
  }

  #answered(arrived: readonly Arrived[]): void {
    const now = performance.now();
    for (const { message } of arrived) {
      if (message.type === "error") throw new Error(message.code);
      if (message.type !== "message.send.ok") continue;
      this.accepted++;
      this.latencies.push(now - (this.#sentAt.get(message.id) ?? now));
      this.#sentAt.delete(message.id);
      if (this.accepted === this.#wanted) this.#all.resolve();
      if (this.#sending) this.#send();
    }
  }

  #received(arrived: readonly Arrived[]): void {
    let seq = 0;
    for (const { message } of arrived) {
      if (message.type !== "message") continue;
      if (message.seq <= this.lastSeq) this.disordered++;
      this.lastSeq = seq = message.seq;
      this.delivered++;
    }
    if (seq > 0) {
      this.#receiver.send({
        type: "message.ack",
        acks: [{ conversation: this.#conversation, seq }],
      });
    }
  }
}

async function makePair(
  server: PinnedServer,
  elsewhere: Elsewhere | undefined,
  { index, back = false }: { readonly index: number; readonly back?: boolean },
): Promise<Pair> {
  const there = elsewhere?.server ?? server;
  const place = elsewhere === undefined ? "here" : back ? "back" : "there";
  const from = await party(server, `from-${place}-${index}`);
  const to = await party(there, `to-${place}-${index}`);
  await offerKeyPackage(to);
  const named = elsewhere === undefined ? {} : { server: elsewhere.name };
  const { conversation } = await createConversation(from, to, named);
  if (elsewhere !== undefined) {
    await to.client.event("welcome", ({ message }) => message.conversation === conversation);
  }
  const [one, other] = [await bare(server, from), await bare(there, to)];
  return back ? new Pair(other, one, conversation) : new Pair(one, other, conversation);
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

/** Pairs that each keep so many messages in flight; `back`: whoever is elsewhere writes to whoever began the conversation. */
async function pairs(
  server: PinnedServer,
  elsewhere: Elsewhere | undefined,
  [count = 10, inFlight = 64, seconds = 5]: number[],
  { back = false } = {},
) {
  const all: Pair[] = [];
  for (let index = 0; index < count; index++) {
    all.push(await makePair(server, elsewhere, { index, back }));
  }
  say({ ready: true });
  await nextLine();
  for (const pair of all) pair.begin(inFlight);
  await wait(1000);
  const delivered = () => sum(all.map((pair) => pair.delivered));
  for (const pair of all) pair.latencies = [];
  const before = { at: performance.now(), delivered: delivered() };
  say({ measuring: true });
  await wait(seconds * 1000);
  const after = { at: performance.now(), delivered: delivered() };
  const latencies = all.flatMap((pair) => pair.latencies).sort((a, b) => a - b);
  say({
    seconds: (after.at - before.at) / 1000,
    delivered: after.delivered - before.delivered,
    p50: latencies[Math.floor(latencies.length / 2)],
    p99: latencies[Math.floor(latencies.length * 0.99)],
    disordered: sum(all.map((pair) => pair.disordered)),
  });
  for (const pair of all) pair.end();
  await nextLine();
}

/** Pairs whose receivers' server is away: `count` messages are accepted in all, and it is told when each receiver has its own. */
async function queued(
  server: PinnedServer,
  elsewhere: Elsewhere | undefined,
  [pairsInAll = 10, count = 50_000]: number[],
) {
  if (elsewhere === undefined) throw new Error("a second server is needed");
  const all: Pair[] = [];
  for (let index = 0; index < pairsInAll; index++) {
    all.push(await makePair(server, elsewhere, { index }));
  }
  say({ ready: true });
  await nextLine();
  const each = Math.ceil(count / pairsInAll);
  const began = performance.now();
  await Promise.all(all.map((pair) => pair.sendAll(each)));
  say({ seconds: (performance.now() - began) / 1000, accepted: each * pairsInAll });
  await nextLine();
}

/** Idle sessions: accounts with 8 devices with 8 sessions each. */
async function idle(server: PinnedServer, [count = 2000]: number[]) {
  const devices: { device: WireClient["device"]; instance: string }[] = [];
  for (let index = 0; devices.length * 8 < count; index++) {
    const first = await party(server, `idle${index}`);
    devices.push(first.client);
    await first.client.requests.close();
    for (let more = 1; more < 8 && devices.length * 8 < count; more++) {
      const client = await WireClient.connect(server, { device: generateSigningKey() });
      await client.logIn(first.account);
      await client.enrol(first.account);
      devices.push(client);
      await client.requests.close();
    }
  }
  say({ ready: true });
  await nextLine();
  const began = performance.now();
  const login = async ({ device, instance }: typeof devices[number]) => {
    const client = await WireClient.connect(server, { device, instance });
    await client.logInDevice();
    return client;
  };
  const sessions: WireClient[] = [];
  while (sessions.length < count) {
    const some = devices.slice(0, Math.min(devices.length, count - sessions.length));
    for (let at = 0; at < some.length; at += 16) {
      sessions.push(...await Promise.all(some.slice(at, at + 16).map(login)));
    }
  }
  const seconds = (performance.now() - began) / 1000;
  say({ sessions: sessions.length, loginsPerSecond: sessions.length / seconds });
  await nextLine();
}

const [workload, ...numbers] = Deno.args;
await generate((server, elsewhere) => {
  const given = numbers.map(Number);
  if (workload === "idle") return idle(server, given);
  if (workload === "queued") return queued(server, elsewhere, given);
  return pairs(server, elsewhere, given, { back: workload === "back" });
});

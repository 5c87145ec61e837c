/** What comes together over a link goes on to a gateway together: a message between threads costs more than what is in it. */
import { deepStrictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { silentLogger } from "../../../lib/base/log.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import type { Arrived, Message } from "../../../lib/wire/messages.ts";
import type { Question } from "../../../server/federation/asking.ts";
import type { PeerChannel } from "../../../server/federation/channel.ts";
import { Federation } from "../../../server/federation/federation.ts";
import { PeerPort } from "../../../server/federation/pipe.ts";
import { acceptPipes } from "../../../server/federation/pipe_channel.ts";
import type { PeerRow, Storage } from "../../../server/operations/contract.ts";
import { ManualClock } from "../../wire/kit.ts";
import { greeting } from "./kit.ts";

const nothing = new Uint8Array(0);
const identity = generateSigningKey().publicKey;
const row: PeerRow = {
  peer: 1,
  fingerprint: fingerprintHex(identity),
  identity: "there",
  name: "there",
  declared: "there",
  address: "192.0.2.1:1",
  pin: "fingerprint",
  state: "active",
  seen: null,
  addedAt: 1,
  linkedAt: null,
  queued: 0,
  queuedBytes: 0,
};

const results: Readonly<Record<string, object>> = {
  "peer.list": { peers: [row] },
  "peer.position": { ok: true, stream: randomId(), first: 1, received: null },
  "peer.linked": { ok: true, after: 0 },
  "peer.outgoing": { items: [] },
};
const storage = {
  call: (name: string) => Promise.resolve(results[name] ?? {}),
  onNudges: () => undefined,
} as unknown as Storage;

/** A line whose other end is the test. */
class Line implements PeerChannel {
  readonly id = "1";
  readonly dialled = "by_us";
  readonly identity = identity;
  readonly remote = "there";
  readonly asked: Message<"peer.ask">[] = [];
  readonly #frames: (readonly Arrived[] | undefined)[] = [];
  #wake = () => {};
  /** Told when so many questions have been asked. */
  onAsked: (count: number) => void = () => undefined;

  send(json: string): void {
    const message = JSON.parse(json);
    if (message.type === "peer.ask") this.onAsked(this.asked.push(message));
  }

  /** Everything in one frame. */
  say(...messages: Message[]): void {
    this.#push(messages.map((message) => ({ message, body: nothing })));
  }

  async receive(): Promise<readonly Arrived[] | undefined> {
    while (this.#frames.length === 0) await new Promise<void>((go) => this.#wake = go);
    return this.#frames.shift();
  }

  #push(frame: readonly Arrived[] | undefined): void {
    this.#frames.push(frame);
    this.#wake();
  }

  queuedAtMost = () => Promise.resolve();
  probe = () => Promise.resolve(true);
  close(): Promise<void> {
    this.#push(undefined);
    return Promise.resolve();
  }
}

const question: Question = {
  kind: "request",
  certificate: "AAAA",
  message: { type: "message.send", conversation: randomId(), message: randomId(), epoch: 1 },
};

Deno.test("questions of one turn and answers of one frame cross between threads in one message each", async () => {
  const line = new Line();
  const linked = Promise.withResolvers<void>();
  const federation = new Federation({
    identity: generateSigningKey(),
    serverName: "here",
    open: false,
    lobby: false,
    storage,
    logger: silentLogger,
    clock: new ManualClock(),
    linkChanged: () => linked.resolve(),
    dial: () => Promise.resolve(line),
  });
  const { port1, port2 } = new MessageChannel();
  const crossed = [0, 0];
  [port1, port2].forEach((port, at) => {
    const post = port.postMessage.bind(port);
    port.postMessage = (message: unknown, transfer?: unknown) => {
      crossed[at] = (crossed[at] ?? 0) + 1;
      post(message, transfer as Transferable[]);
    };
  });
  const ask = federation.ask.bind(federation);
  acceptPipes(port2, { ask, servers: () => federation.servers(), take: () => undefined });
  const gateway = new PeerPort(port1, () => undefined);
  line.say(greeting());
  await federation.start();
  await linked.promise;

  const most = 20;
  const all = Promise.withResolvers<void>();
  line.onAsked = (count) => count === most && all.resolve();
  const answers = Array.from({ length: most }, () => gateway.ask("there", question, nothing));
  await all.promise;
  const reply = (seq: number) => ({ type: "message.send.ok", seq, ts: 1 }) as const;
  line.say(
    ...line.asked.map(({ id }, at) => ({
      type: "peer.answer" as const,
      id,
      answer: { kind: "request" as const, reply: reply(at + 1) },
    })),
  );
  const said = await Promise.all(answers);
  deepStrictEqual(
    said.map(({ answer }) => answer.kind === "request" && answer.reply),
    said.map((_, at) => reply(at + 1)),
  );
  deepStrictEqual(crossed, [1, 1]);

  await federation.close();
  port1.close();
  port2.close();
});

/** A linked server that the test itself speaks for: it asks, is asked, and confirms what it is sent. */
import { concat, fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey, type SigningKey } from "../../../lib/crypto/sign.ts";
import { peekMls } from "../../../lib/mls/peek.ts";
import type { NewRequest } from "../../../lib/wire/client_requests.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import type { Arrived, Message, RequestType } from "../../../lib/wire/messages.ts";
import type { Speaker } from "../../kit/conversation.ts";
import { newAccount, type TestAccount } from "../../kit/wire_client.ts";
import { greeting, HostilePeer, type House } from "./kit.ts";

type Ask = Message<"peer.ask">["ask"];
type Item = Message<"peer.item">["item"];
type Said = Arrived<"peer.answer"> | Arrived<"peer.refusal">;

/** What it answers to a question, or the code with which it refuses; undefined for no answer at all. */
export type Reply = {
  readonly answer: Message<"peer.answer">["answer"];
  readonly body?: Uint8Array;
} | { readonly code: string };

/** A neighbour of one house. */
export class Neighbour implements AsyncDisposable {
  readonly identity: SigningKey;
  readonly #peer: HostilePeer;
  readonly #waiting = new Map<number, (said: Said) => void>();
  readonly #ended = Promise.withResolvers<void>();
  #nextId = 1;
  /** How it answers. */
  answer: (ask: Ask) => Reply | undefined = () => undefined;
  /** Items that came, in order. */
  readonly items: Item[] = [];
  /** Whoever waits for an item or a confirmation. */
  readonly #watching = new Set<() => void>();
  #nextItem = 1;
  /** The last counter that the house has confirmed. */
  #confirmed = 0;

  private constructor(identity: SigningKey, peer: HostilePeer) {
    this.identity = identity;
    this.#peer = peer;
    void this.#listen().finally(() => this.#ended.resolve());
  }

  /** Links with a house that lets everybody in, or knows this identity. */
  static async link(
    house: House,
    name = "neighbour",
    identity = generateSigningKey(),
  ): Promise<Neighbour> {
    const peer = await HostilePeer.connect(await house.server.pinned(), identity);
    const linked = house.says(/peer linked/);
    peer.say(greeting({ name }));
    await linked;
    return new Neighbour(identity, peer);
  }

  get fingerprint(): string {
    return fingerprintHex(this.identity.publicKey);
  }

  /** Resolves when the other side has closed the link. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The first item of this kind that came, or comes. */
  async item<K extends Item["kind"]>(kind: K): Promise<Item & { readonly kind: K }> {
    for (;;) {
      const found = this.items.find((item): item is Item & { readonly kind: K } =>
        item.kind === kind
      );
      if (found !== undefined) return found;
      await this.#news();
    }
  }

  /** Sends items as if they had been queued, whatever they are, and waits until the house has dealt with them. */
  async queue(...items: readonly { readonly item: object; readonly body?: Uint8Array }[]) {
    for (const { item, body = new Uint8Array(0) } of items) {
      const message = { type: "peer.item", counter: this.#nextItem++, item };
      const text = JSON.stringify(body.length > 0 ? { ...message, body: body.length } : message);
      this.#peer.connection.sendEncoded(text, body.length > 0 ? body : undefined);
    }
    const last = this.#nextItem - 1;
    while (this.#confirmed < last) await this.#news();
  }

  /** Resolves when something has come. Rejects with `server_away` when the link ends. */
  async #news(): Promise<void> {
    await Promise.race([
      new Promise<void>((go) => this.#watching.add(go)),
      this.ended.then(() => Promise.reject(new AppError("server_away"))),
    ]);
  }

  #tell(): void {
    const watching = [...this.#watching];
    this.#watching.clear();
    for (const go of watching) go();
  }

  /** Asks a great many things at once, and waits for what becomes of each: the codes of refusals, or `answered`. */
  async askAll(asks: readonly object[]): Promise<Map<string, number>> {
    const said = await Promise.allSettled(asks.map((ask) => this.ask(ask)));
    const counts = new Map<string, number>();
    for (const each of said) {
      if (each.status === "rejected" && !(each.reason instanceof RefusedError)) throw each.reason;
      const what = each.status === "fulfilled" ? "answered" : each.reason.sentCode;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    return counts;
  }

  /** Asks; the answer with its body. Rejects with `RefusedError`. */
  async ask(ask: object, body: Uint8Array = new Uint8Array(0)): Promise<Arrived<"peer.answer">> {
    const id = this.#nextId++;
    const said = new Promise<Said>((resolve) => this.#waiting.set(id, resolve));
    const message = {
      type: "peer.ask",
      id,
      ask,
      ...(body.length > 0 ? { body: body.length } : {}),
    };
    this.#peer.connection.sendEncoded(JSON.stringify(message), body.length > 0 ? body : undefined);
    const closed = this.ended.then(() => Promise.reject(new AppError("server_away")));
    const { message: reply, body: bytes } = await Promise.race([said, closed]);
    if (reply.type === "peer.answer") return { message: reply, body: bytes };
    const { code, retryAfterMs, epoch } = reply;
    throw new RefusedError({
      type: "error",
      code,
      message: code,
      retry: "never",
      connection: "",
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(epoch === undefined ? {} : { epoch }),
    });
  }

  /** Offers what is given for claims of this account's keys. */
  offers(
    person: Speaker,
    keyPackage: Uint8Array,
    { asked = false, device = person.client.deviceText } = {},
  ): void {
    const before = this.answer;
    this.answer = (ask) => {
      const claimed = ask.kind === "request" && ask.message.type === "keypackages.claim" &&
        ask.message.account === person.account.id;
      if (!claimed) return before(ask);
      const header = peekMls(keyPackage);
      if (header?.kind !== "key_package") throw new Error("no key package");
      const { length } = keyPackage;
      const packages = [{ device, ref: header.ref, lastResort: false, length }];
      const reply = { type: "keypackages.claim.ok" as const, packages, missing: [] };
      return { answer: { kind: "request", reply, asked }, body: keyPackage };
    };
  }

  /** Somebody with an account here, whose requests it hands on. */
  person(name: string, account: TestAccount = newAccount(name)): Speaker {
    const device = generateSigningKey();
    const certificate = certificateOf(account, device, this.identity.publicKey);
    const request = async <T extends RequestType>(
      message: NewRequest<T>,
      body: Uint8Array | Uint8Array[] = [],
    ) => {
      const { body: _, ...handed } = { body: 0, ...message };
      const bytes = concat(...[body].flat());
      const said = await this.ask({ kind: "request", certificate, message: handed }, bytes);
      const { answer } = said.message;
      if (answer.kind !== "request") throw new Error(answer.kind);
      return { message: { id: 0, ...answer.reply }, body: said.body };
    };
    const client = {
      device,
      deviceText: toBase64url(device.publicKey),
      certificate: () => certificate,
      // The reply to that request, which the server's schema has checked.
      request: request as unknown as Speaker["client"]["request"],
    };
    return { account, client };
  }

  async #listen(): Promise<void> {
    for (;;) {
      const arrived = await this.#peer.connection.receive().catch(() => undefined);
      if (arrived === undefined) return;
      for (const one of arrived) this.#take(one);
    }
  }

  #take({ message, body }: Arrived): void {
    switch (message.type) {
      case "peer.answer":
        return this.#settle(message.id, { message, body: body.slice() });
      case "peer.refusal":
        return this.#settle(message.id, { message, body });
      case "peer.item":
        this.items.push(message.item);
        this.#tell();
        return this.#peer.say({ type: "peer.ack", counter: message.counter });
      case "peer.ack":
        this.#confirmed = message.counter;
        return this.#tell();
      case "peer.ask": {
        const reply = this.answer(message.ask);
        if (reply === undefined) return;
        if ("code" in reply) {
          return this.#peer.say({ type: "peer.refusal", id: message.id, code: reply.code });
        }
        const { answer, body: bytes } = reply;
        const said = { type: "peer.answer", id: message.id, answer };
        if (bytes === undefined) return this.#peer.say(said);
        const text = JSON.stringify({ ...said, body: bytes.length });
        return this.#peer.connection.sendEncoded(text, bytes);
      }
    }
  }

  #settle(id: number, said: Said): void {
    this.#waiting.get(id)?.(said);
    this.#waiting.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
    await this.ended;
  }
}

/** A certificate for a device of an account of the server with this identity. */
export function certificateOf(
  account: TestAccount,
  device: SigningKey,
  serverKey: Uint8Array,
): string {
  return toBase64url(
    issueDeviceCertificate({
      name: account.name,
      accountId: account.id,
      serverKey: fromBase64url(toBase64url(serverKey)),
      accountKey: account.key,
      deviceKey: device.publicKey,
      createdAt: Date.now(),
    }).bytes,
  );
}

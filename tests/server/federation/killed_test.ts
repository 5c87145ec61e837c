/** Two servers, either of which is killed as it stands in the middle of what goes between them: nothing is lost, nothing twice. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { timeOrderedId } from "../../../lib/base/ids.ts";
import {
  createConversation,
  lookalikeMessage,
  offerKeyPackage,
  type Party,
} from "../../kit/conversation.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { House, linkFrom } from "./kit.ts";

async function party(house: House, name: string): Promise<Party> {
  const client = await WireClient.connect(await house.server.pinned());
  const account = newAccount(name);
  await client.register(account);
  return { client, account };
}

/** The same device on a new connection. */
async function again(house: House, { client, account }: Party): Promise<Party> {
  const { device, instance } = client;
  const next = await WireClient.connect(await house.server.pinned(), { device, instance });
  await next.logInDevice();
  return { client: next, account };
}

/** Messages of one sender, each of which is sent until it is accepted. */
class Letters {
  readonly ids: string[] = [];
  readonly #conversation: string;

  constructor(conversation: string) {
    this.#conversation = conversation;
  }

  /** The next `count`, all of them under way at once; how many were accepted before the line broke. */
  async send(from: Party, count: number): Promise<number> {
    const fresh = Array.from({ length: count }, () => timeOrderedId(Date.now()));
    this.ids.push(...fresh);
    return await this.#offer(from, fresh);
  }

  /** All so far, once more. */
  async sendAgain(from: Party): Promise<void> {
    strictEqual(await this.#offer(from, this.ids), this.ids.length);
  }

  async #offer({ client }: Party, ids: readonly string[]): Promise<number> {
    const conversation = this.#conversation;
    const bytes = lookalikeMessage(conversation, { epoch: 1, size: 200 });
    const asked = ids.map((message) =>
      client.request(
        { type: "message.send", conversation, message, epoch: 1, body: bytes.length },
        bytes,
      )
    );
    const done = await Promise.allSettled(asked);
    return done.filter(({ status }) => status === "fulfilled").length;
  }
}

/** What a device has got: ids in the order of their rows, each taken and acknowledged once. */
class Inbox {
  readonly ids: string[] = [];
  #seq = 0;

  /** Takes what comes until `wanted` are there. */
  async take({ client }: Party, conversation: string, wanted: number): Promise<void> {
    while (this.ids.length < wanted) {
      const { message } = await client.event("message");
      if (message.seq <= this.#seq) continue;
      this.#seq = message.seq;
      this.ids.push(message.message);
      const acks = [{ conversation, seq: message.seq }];
      client.connection.send({ type: "message.ack", acks });
    }
  }
}

Deno.test("servers that are killed in the middle lose no message and bring none twice", async () => {
  await using mill = await House.start("mill", "--consent", "none");
  await using office = await House.start("office", "--consent", "none");
  await linkFrom(mill, office);
  let sam = await party(mill, "sam");
  let rae = await party(office, "rae");
  await offerKeyPackage(rae);
  const { conversation } = await createConversation(sam, rae, { server: "office" });
  await rae.client.event("welcome");
  const [there, back] = [new Letters(conversation), new Letters(conversation)];
  const [ofRae, ofSam] = [new Inbox(), new Inbox()];

  // The follower dies while rows are on their way to it; what is accepted meanwhile waits.
  const first = there.send(sam, 100);
  await ofRae.take(rae, conversation, 10);
  await office.kill();
  strictEqual(await first, 100);
  strictEqual(await there.send(sam, 50), 50);
  await office.again();
  rae = await again(office, rae);
  await ofRae.take(rae, conversation, 150);

  // The hub dies while it carries out requests of both and delivers them.
  const second = there.send(sam, 100);
  const third = back.send(rae, 100);
  await ofRae.take(rae, conversation, 160);
  await mill.kill();
  await Promise.all([second, third]);
  const linked = office.says(/peer linked/);
  await mill.again();
  await linked;
  sam = await again(mill, sam);
  // What was not answered is asked again: under the same ids it counts once.
  await Promise.all([there.sendAgain(sam), back.sendAgain(rae)]);
  await Promise.all([ofRae.take(rae, conversation, 250), ofSam.take(sam, conversation, 100)]);
  deepStrictEqual(ofRae.ids.toSorted(), there.ids.toSorted());
  deepStrictEqual(ofSam.ids.toSorted(), back.ids.toSorted());

  // Both know how far the other one is, once nothing is on its way any more.
  await mill.waitingAtMost(0);
  await office.waitingAtMost(0);
  const { message } = await sam.client.request({ type: "conversation.list" });
  const [listed] = message.conversations;
  ok(listed);
  const head = listed.head;
  const told = await sam.client.event(
    "receipt",
    (each) => each.message.account === rae.account.id && each.message.delivered >= head - 100,
  );
  ok((told.message.reached ?? 0) >= told.message.delivered);
  const other = (await rae.client.request({ type: "conversation.list" })).message.conversations[0];
  deepStrictEqual([other?.head, other?.hub], [head, "mill"]);
  await sam.client[Symbol.asyncDispose]();
  await rae.client[Symbol.asyncDispose]();
});

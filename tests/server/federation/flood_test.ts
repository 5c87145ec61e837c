/** A linked server that sends and asks without end, against a real server process: what that costs, and whom. */
import { ok, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { peerLimits } from "../../../lib/base/limits.ts";
import {
  createConversation,
  lookalikeMessage,
  offerKeyPackage,
  type Party,
} from "../../kit/conversation.ts";
import { timeOrderedId } from "../../../lib/base/ids.ts";
import { greeting, HostilePeer, House } from "./kit.ts";
import { Neighbour } from "./neighbour.ts";
import { settle } from "./people.ts";

/** Resident memory of the server's process, in bytes, as its operator sees it. */
const memoryOf = async (house: House) => (await house.ask("status", {})).memoryBytes;

/** Floods, again and again, until everybody else was served; returns how often. */
async function until(served: Promise<void>, flood: () => Promise<unknown>): Promise<number> {
  let over = false;
  const done = served.finally(() => over = true);
  let times = 0;
  for (; !over; times++) await flood();
  await done;
  return times;
}

const key = () => randomId().replaceAll("-", "").padEnd(43, "A");
const mebibyte = 1024 * 1024;
/** Nearly 4 MiB each time. */
const pieces = "pieces without an end, and bodies of what is not known";

Deno.test("a linked server that floods this one harms itself alone", async (t) => {
  await using house = await House.start("mill", "--peers", "open", "--consent", "none");
  const [sam, erik] = [await settle(house, "sam"), await settle(house, "erik")];
  await using _sam = sam.client;
  await using _erik = erik.client;
  await using yard = await Neighbour.link(house, "yard");
  await using flooding = await Neighbour.link(house, "office");
  await offerKeyPackage(erik);
  const { conversation } = await createConversation(sam, erik);

  const rae = flooding.person("rae");
  const shown = { item: { kind: "device", certificate: rae.client.certificate(rae.account) } };
  const snapshot = (id: string, changes: object = {}) => ({
    item: {
      kind: "snapshot",
      conversation: id,
      of: "group",
      by: rae.account.id,
      incarnation: 0,
      epoch: 1,
      seq: 1,
      ts: Date.now(),
      members: [{ account: rae.account.id, role: "owner" }, {
        account: sam.account.id,
        role: "member",
      }],
      roster: [rae.client.deviceText],
      removals: [],
      leaving: [],
      ...changes,
    },
  });
  const row = (changes: object = {}) => ({
    item: {
      kind: "message",
      conversation: randomId(),
      seq: 1,
      ts: 1,
      epoch: 1,
      device: rae.client.deviceText,
      message: randomId(),
      ...changes,
    },
    body: new Uint8Array(100),
  });
  const times = <T>(count: number, make: (at: number) => T) =>
    Array.from({ length: count }, (_, at) => make(at));
  /** People here write to each other, and the other neighbour asks and sends. */
  const others = async () => {
    for (let count = 0; count < 5; count++) {
      await say(sam, conversation);
      await erik.client.event("message");
      await yard.ask({ kind: "keys", name: "sam" });
      await yard.queue({ item: { kind: "wanted", conversation: randomId() } });
    }
  };
  await flooding.queue(shown);

  const floods: Record<string, () => Promise<unknown>> = {
    "devices that are none": () =>
      flooding.queue(...times(300, () => ({ item: { kind: "device", certificate: key() } }))),
    "rosters of people and devices that nobody knows": () =>
      flooding.queue(
        ...times(50, () => snapshot(randomId(), { roster: times(200, key) })),
      ),
    "rows of conversations that nobody knows": () => flooding.queue(...times(300, () => row())),
    "asking for conversations that are not there": () =>
      flooding.queue(
        ...times(300, () => ({ item: { kind: "wanted", conversation: randomId() } })),
      ),
    [pieces]: () =>
      flooding.queue(...times(6, (at) => ({
        item: { kind: at % 2 === 0 ? "part" : "hologram" },
        body: new Uint8Array(at % 2 === 0 ? peerLimits.partBytes : mebibyte),
      }))),
    "progress of nobody in nothing": () =>
      flooding.queue(...times(50, () => ({
        item: {
          kind: "receipts",
          receipts: times(100, () => ({
            conversation: randomId(),
            account: randomId(),
            delivered: 1,
            read: 1,
            at: 1,
          })),
        },
      }))),
    "questions about accounts": () =>
      flooding.askAll(
        times(300, (at) => ({ kind: "keys", name: at % 2 === 0 ? "sam" : "nobody" })),
      ),
    "questions about third servers": () =>
      flooding.askAll(
        times(300, () => ({ kind: "keys", account: randomId(), server: key() })),
      ),
    "requests of people who are none": () =>
      flooding.askAll(times(300, () => ({
        kind: "request",
        certificate: key(),
        message: { type: "conversation.info", conversation },
      }))),
  };
  for (const [name, flood] of Object.entries(floods)) {
    await t.step(`${name}: people here and other neighbours are served meanwhile`, async () => {
      ok(await until(others(), flood) > 0);
    });
  }
  await t.step("the same again and again: memory grows no further", async () => {
    // Garbage is collected when the runtime likes, so a round may need more than those before; what is kept grows in each.
    let highest = await memoryOf(house);
    for (let grown = Infinity, rounds = 0; grown > 16 * mebibyte; rounds++) {
      ok(rounds < 8, `still ${Math.round(grown / mebibyte)} MiB more`);
      for (const flood of Object.values(floods)) await flood();
      // Several times what it may grow by.
      for (let again = 0; again < 16; again++) await floods[pieces]?.();
      const now = await memoryOf(house);
      grown = now - highest;
      highest = Math.max(highest, now);
    }
  });
  await t.step("who asks more than it may is refused, and the operator sees it", async () => {
    const asks = times(2 * peerLimits.asksPerSecond, () => ({ kind: "keys", name: "sam" }));
    const codes = await flooding.askAll(asks);
    ok((codes.get("rate_limited") ?? 0) > 0, JSON.stringify([...codes]));
    const office = (await house.peers()).find(({ name }) => name === "office");
    strictEqual(office?.link, "linked");
    strictEqual(office.trouble?.code, "rate_limited");
    ok(/questions about accounts/.test(office.trouble.text));
    await house.server.process.waitForRemark(/peer held back .*peer=office/);
  });
  await t.step("who tells the same conversation anew again and again waits", async () => {
    const id = randomId();
    const held = house.says(/peer held back .*conversations/);
    const told = times(peerLimits.replacedPerTenMinutes + 2, (at) => snapshot(id, { seq: at + 1 }));
    void flooding.queue(...told).catch(() => undefined);
    await held;
    await others();
    const listed = (await sam.client.request({ type: "conversation.list" })).message.conversations;
    const head = listed.find((each) => each.conversation === id)?.head;
    strictEqual(head, peerLimits.replacedPerTenMinutes + 1);
  });
  await t.step("who comes while the server starts is not told that nobody knows it", async () => {
    await house.kill();
    await house.again();
    await using early = await HostilePeer.connect(
      await house.server.pinned(),
      flooding.identity,
    );
    early.say(greeting({ name: "office" }));
    strictEqual((await early.hear())?.type, "peer.link");
  });
});

async function say({ client }: Party, conversation: string): Promise<void> {
  const bytes = lookalikeMessage(conversation, { epoch: 1, size: 200 });
  const message = timeOrderedId(Date.now());
  await client.request(
    { type: "message.send", conversation, message, epoch: 1, body: bytes.length },
    bytes,
  );
}

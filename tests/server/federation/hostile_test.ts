import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { peerLimits } from "../../../lib/base/limits.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { hostileClient } from "../../kit/hostile.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { greeting, HostilePeer, House } from "./kit.ts";

/** Items with nothing acceptable in them. */
function item(counter: number): object {
  const content = {
    kind: "lobby",
    post: randomId(),
    certificate: "AAAA",
    text: "x",
    sentAt: 1,
    signature: "A".repeat(86),
  };
  return { type: "peer.item", counter, item: content };
}

Deno.test("peers that do what they may not, against a server process", async (t) => {
  await using house = await House.start("mill", "--peers", "open");
  const pinned = await house.server.pinned();
  const stranger = async (first: object, ...then: object[]) => {
    await using peer = await HostilePeer.connect(pinned);
    peer.say(first);
    if (then.length > 0) {
      strictEqual((await peer.hear())?.type, "peer.link");
      peer.say(...then);
    }
    return await peer.end();
  };

  await t.step("nothing before the greeting, and no second one", async () => {
    strictEqual(await stranger(item(1)), "not_permitted_now");
    strictEqual(await stranger(greeting(), greeting()), "not_permitted_now");
  });
  await t.step("nothing that clients say", async () => {
    const check = { type: "account.check", id: 1, name: "sam" };
    strictEqual(await stranger(check), "not_permitted_now");
    strictEqual(await stranger(greeting(), check), "not_permitted_now");
  });
  await t.step("no other version", async () => {
    strictEqual(await stranger(greeting({ versions: [2] })), "unsupported_version");
  });
  await t.step("no gap in the counting, nothing confirmed that was not sent", async () => {
    strictEqual(await stranger(greeting(), item(2)), "malformed");
    strictEqual(await stranger(greeting(), { type: "peer.ack", counter: 1 }), "malformed");
  });
  await t.step("what is repeated is confirmed and not taken twice", async () => {
    await using peer = await HostilePeer.connect(pinned);
    peer.say(greeting());
    strictEqual((await peer.hear())?.type, "peer.link");
    peer.say(item(1), item(2));
    deepStrictEqual(await peer.hear(), { type: "peer.ack", counter: 2 });
    peer.say(item(1), item(2), item(2));
    deepStrictEqual(await peer.hear(), { type: "peer.ack", counter: 2 });
    peer.say(item(2), item(4));
    strictEqual(await peer.end(), "malformed");
  });
  await t.step("nothing of other shapes", async () => {
    const broken = { type: "peer.item", counter: 1, item: { kind: "unheard of" } };
    strictEqual(await stranger(greeting(), broken), "malformed");
    strictEqual(await stranger(greeting(), { ...item(1), counter: 0 }), "malformed");
  });
  await t.step("of one peer's connections the newest is the link", async () => {
    const identity = generateSigningKey();
    await using first = await HostilePeer.connect(pinned, identity);
    first.say(greeting());
    strictEqual((await first.hear())?.type, "peer.link");
    await using second = await HostilePeer.connect(pinned, identity);
    second.say(greeting());
    strictEqual((await second.hear())?.type, "peer.link");
    strictEqual(await first.end(), "peer_duplicate");
  });
  await t.step("a client says nothing of peers", async () => {
    const client = await hostileClient(pinned);
    await client.write(client.encode(JSON.stringify([greeting()])));
    strictEqual(await client.refusal(), "not_permitted_now");
  });
  await t.step("identities without end are let in only so fast", async () => {
    const codes: string[] = [];
    for (let count = 0; count < peerLimits.incomingPerHour; count++) {
      await using peer = await HostilePeer.connect(pinned);
      peer.say(greeting());
      const answer = await peer.hear();
      if (answer?.type === "peer.close") codes.push(answer.code);
    }
    ok(codes.length > 0 && codes.every((code) => code === "rate_limited"));
    ok((await house.peers()).length <= peerLimits.incomingPerHour);
  });
  await t.step("and the server serves its own as ever", async () => {
    await using client = await WireClient.connect(pinned);
    strictEqual((await client.register(newAccount("sam"))).name, "sam");
    strictEqual(
      house.server.process.err.some((line) => /request failed|worker failed/.test(line)),
      false,
    );
  });
});

Deno.test("a server that is not added, or is paused, or is this one, is refused", async () => {
  await using house = await House.start("mill");
  const pinned = await house.server.pinned();
  await using stranger = await HostilePeer.connect(pinned);
  stranger.say(greeting());
  strictEqual(await stranger.end(), "peer_unknown");
  const identity = generateSigningKey();
  await house.ask("peer.add", {
    address: "192.0.2.1:1",
    fingerprint: fingerprintHex(identity.publicKey),
    name: "far",
  });
  {
    await using known = await HostilePeer.connect(pinned, identity);
    known.say(greeting());
    strictEqual((await known.hear())?.type, "peer.link");
    await house.ask("peer.pause", { name: "far" });
    strictEqual(await known.end(), "peer_paused");
  }
  await using paused = await HostilePeer.connect(pinned, identity);
  paused.say(greeting());
  strictEqual(await paused.end(), "peer_paused");
  await house.server.process.waitForRemark(/peer refused .*code=peer_unknown/);
});

/** An operator blocks a linked server, as a process sees it and as its people do. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import { sendLookalike } from "../../kit/conversation.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { keyPackageOf, WireGroup } from "../../kit/wire_group.ts";
import { serverCommand } from "../../kit/server_commands.ts";
import { greeting, HostilePeer, House } from "./kit.ts";
import { Neighbour } from "./neighbour.ts";

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  return thrown instanceof RefusedError ? thrown.sentCode : `no refusal: ${thrown}`;
}

Deno.test("a blocked server stays out, also where servers come by themselves", async (t) => {
  await using mill = await House.start("mill", "--peers", "open");
  const home = { home: mill.home.path };
  const server = (...args: string[]) => serverCommand(["peer", ...args], home);
  const identity = generateSigningKey();
  await using office = await Neighbour.link(mill, "office", identity);
  await using sam = await WireClient.connect(await mill.server.pinned());
  const account = newAccount("sam");
  await sam.register(account);
  const speaker = { client: sam, account };
  const rae = office.person("rae");
  office.offers(rae, await keyPackageOf(rae));
  const claim = (conversation: string) =>
    sam.request({
      type: "keypackages.claim",
      account: rae.account.id,
      conversation,
      server: "office",
    });
  await claim(randomId());
  const { conversation } = await WireGroup.create([speaker, rae]);

  await t.step("the link ends, and every way back is closed", async () => {
    const blocked = await server("block", "office", "--json");
    deepStrictEqual([blocked.code, JSON.parse(blocked.out).state], [0, "blocked"]);
    await office.ended;
    await using again = await HostilePeer.connect(await mill.server.pinned(), identity);
    again.say(greeting({ name: "somebody else" }));
    strictEqual(await again.end(), "peer_blocked");
    match((await server("list")).out, /^office +BLOCKED$/);
    for (const command of ["resume", "pause", "remove"]) {
      const refused = await server(command, "office");
      deepStrictEqual([refused.code, /peer unblock office/.test(refused.err)], [4, true]);
    }
  });
  await t.step("its people are refused with a code of their own, and nothing waits", async () => {
    strictEqual(await codeOf(claim(randomId())), "server_blocked");
    strictEqual(
      await codeOf(sam.request({ type: "directory.keys", name: "rae", server: "office" })),
      "server_blocked",
    );
    // There is nobody else in it.
    strictEqual(await codeOf(sendLookalike(speaker, { conversation })), "server_blocked");
    strictEqual((await mill.peers())[0]?.queued, 0);
  });
  await t.step("one that was never here is kept out by its fingerprint", async () => {
    const stranger = generateSigningKey();
    await using first = await Neighbour.link(mill, "yard", stranger);
    await mill.ask("peer.remove", { name: "yard", drop: true });
    await first.ended;
    const grouped = (first.fingerprint.match(/.{4}/g) ?? []).join(" ").toUpperCase();
    strictEqual((await server("block", grouped)).code, 0);
    await using second = await HostilePeer.connect(await mill.server.pinned(), stranger);
    second.say(greeting());
    strictEqual(await second.end(), "peer_blocked");
    strictEqual((await server("block", "nobody")).code, 6);
  });
  await t.step("unblocked, it comes back and gets the conversations as they stand", async () => {
    strictEqual((await server("unblock", "office")).code, 0);
    strictEqual((await server("unblock", "office")).code, 4);
    await using back = await Neighbour.link(mill, "office", identity);
    const snapshot = await back.item("snapshot");
    strictEqual(snapshot.conversation, conversation);
    back.offers(rae, await keyPackageOf(rae));
    await claim(randomId());
  });
});

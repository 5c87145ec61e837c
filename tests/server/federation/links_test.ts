import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { FaultProxy } from "../../client/engine/proxy.ts";
import { serverCommand } from "../../kit/server_commands.ts";
import { House } from "./kit.ts";

/** How both see the link of a pair: who dialled it, from each side. */
async function seen(a: House, b: House): Promise<string[]> {
  const views = await Promise.all([a.peers(), b.peers()]);
  return views.map(([peer]) => `${peer?.link} ${peer?.dialled}`);
}

/** Until both sides see the same one link: while two links settle which of them stays, they may differ. */
async function agreed(a: House, b: House): Promise<void> {
  for (;;) {
    const [ours, theirs] = [a, b].map(({ server: { process } }) => ({
      process,
      mark: process.mark(),
    }));
    const views = (await seen(a, b)).sort();
    if (views.join() === "linked by_them,linked by_us") return;
    // Either says whatever changes.
    await Promise.race([ours, theirs].map((each) => each?.process.nextRemark(each.mark)));
  }
}

/** Both add the other, and so both dial. */
async function addBoth(a: House, b: House): Promise<void> {
  const linked = [a, b].map((house) => house.says(/peer linked/));
  await a.ask("peer.add", { address: b.link, name: b.name });
  await b.ask("peer.add", { address: a.link, name: a.name });
  await Promise.all(linked);
}

Deno.test("two servers: what cannot be linked, one link that comes back, an address that another server takes", async (t) => {
  await using mill = await House.start("mill", "--log-level", "debug");
  await using office = await House.start("office");

  await t.step("what cannot be linked is refused in one line", (t) => refused(t, mill, office));
  await office.ask("peer.remove", { name: "mill", drop: true });
  await mill.ask("peer.remove", { name: "office", drop: true });
  await t.step(
    "two servers that add each other at once have one link, which comes back after every break",
    (t) => linked(t, mill, office),
  );
  await office.ask("peer.remove", { name: "mill", drop: true });
  await t.step(
    "another server at a peer's address stops the link, and says why",
    () => stolen(mill, office),
  );
});

async function refused(t: Deno.TestContext, mill: House, office: House): Promise<void> {
  await t.step("itself", async () => {
    await rejects(mill.ask("peer.add", { address: mill.link }), { reason: "usage" });
    await rejects(mill.ask("peer.add", { address: mill.address }), /that is this server itself/);
  });
  await t.step("nobody there, and no fingerprint to wait with", async () => {
    await rejects(mill.ask("peer.add", { address: "127.0.0.1:1" }), (error: Error) => {
      match(error.message, /refuses connections on port 1; .*--fingerprint/);
      return "reason" in error && error.reason === "network";
    });
  });
  await t.step("another server than was told", async () => {
    const fingerprint = "0".repeat(64);
    await rejects(mill.ask("peer.add", { address: office.address, fingerprint }), {
      reason: "trust",
    });
    deepStrictEqual(await mill.peers(), []);
  });
  await t.step("what is no address, fingerprint or name", async () => {
    for (
      const input of [{ address: "" }, { address: "x", fingerprint: "12" }, {
        address: "x",
        name: "A b",
      }]
    ) {
      await rejects(mill.ask("peer.add", input), { reason: "usage" });
    }
  });
  await t.step("one that does not know this one: it is told, and tried seldom", async () => {
    const refused = office.says(/peer refused .*code=peer_unknown/);
    const { pin } = await mill.ask("peer.add", { address: office.address });
    strictEqual(pin, "contact");
    await refused;
    // That it was told is a line for whoever looks for mistakes.
    await mill.until(async () => (await mill.peers())[0]?.trouble?.code === "peer_unknown");
    const shown = await serverCommand(["peer", "list"], { home: mill.home.path });
    match(shown.out, /not linked: that server does not know this one yet/);
    await rejects(mill.ask("peer.add", { address: office.address }), /added already, as office/);
  });
  await t.step("until its operator adds this one too", async () => {
    const linked = mill.says(/peer linked/);
    await office.ask("peer.add", { address: mill.link });
    await linked;
  });
}

async function linked(t: Deno.TestContext, mill: House, office: House): Promise<void> {
  await t.step("one link, seen alike from both sides", async () => {
    await addBoth(mill, office);
    // Both dial; whatever came about first, in the end both agree.
    await mill.ask("peer.pause", { name: "office" });
    const linked = [mill, office].map((house) => house.says(/peer linked/));
    await mill.ask("peer.resume", { name: "office" });
    await Promise.all(linked);
    await agreed(mill, office);
  });

  await t.step(
    "the name that the operator gave, what it calls itself, how it is trusted",
    async () => {
      const [peer] = await mill.peers();
      ok(peer);
      deepStrictEqual([peer.name, peer.declared, peer.pin, peer.state, peer.queued], [
        "office",
        "office",
        "fingerprint",
        "active",
        0,
      ]);
    },
  );

  await t.step("the status counts it", async () => {
    // A second link may still be taking the place of the first.
    await mill.until(async () => (await mill.ask("status", {})).peers.linked === 1);
    const { known, queued } = (await mill.ask("status", {})).peers;
    deepStrictEqual([known, queued], [1, 0]);
  });

  await t.step("a killed server is missed and linked again when it is back", async () => {
    await office.kill();
    await mill.until(async () => (await mill.peers())[0]?.link !== "linked");
    const linked = mill.says(/peer linked/);
    await office.again();
    await linked;
    await agreed(mill, office);
  });

  await t.step("commands for people", async () => {
    const home = { home: mill.home.path };
    const show = async () => (await serverCommand(["peer", "show", "office"], home)).out;
    const list = async () => (await serverCommand(["peer", "list"], home)).out;
    await mill.until(async () => /^ {2}Link: +linked for /m.test(await show()));
    await mill.until(async () => /^office +linked for /.test(await list()));
    match(await show(), /^office$/m);
    match(await show(), /^ {2}Trusted: +by the fingerprint that was given$/m);
    const paused = await serverCommand(["peer", "pause", "office", "--json"], home);
    strictEqual(JSON.parse(paused.out).state, "paused");
    match(await list(), /^office +paused$/);
    const unknown = await serverCommand(["peer", "show", "nobody"], home);
    deepStrictEqual([unknown.code, unknown.out], [6, ""]);
    match((await serverCommand(["peer", "remove", "office"], home)).out, /The link is removed\./);
    match(await list(), /^No server is linked: .*peer add/);
  });
}

async function stolen(mill: House, office: House): Promise<void> {
  await using thief = await House.start("office");
  // The peer's address is the proxy's, so that somebody else can come to stand behind it.
  await using proxy = await FaultProxy.start(office.server.ready.port);
  await using forged = await FaultProxy.start(thief.server.ready.port);
  await office.ask("peer.add", { address: mill.link });
  const linked = mill.says(/peer linked/);
  const fingerprint = office.server.ready.fingerprint;
  await mill.ask("peer.add", { address: `127.0.0.1:${proxy.port}`, fingerprint });
  await linked;
  await office.kill();
  const stopped = mill.says(/ERROR|error +peer not linked .*seen=[0-9a-f]{64}/);
  const [before] = await mill.peers();
  ok(before);
  // The same entry, now at an address where the thief answers.
  await rejects(mill.ask("peer.add", { address: `127.0.0.1:${forged.port}`, fingerprint }), {
    reason: "trust",
  });
  await mill.ask("peer.pause", { name: before.name });
  proxy.retarget(thief.server.ready.port);
  await mill.ask("peer.resume", { name: before.name });
  await stopped;
  const [peer] = await mill.peers();
  ok(peer);
  deepStrictEqual([peer.state, peer.link, peer.seen], [
    "changed",
    "off",
    thief.server.ready.fingerprint,
  ]);
  const shown = await serverCommand(["peer", "show", peer.name], { home: mill.home.path });
  match(shown.out, /STOPPED: another server answers at its address/);
  match(shown.out, /What to do: +ask its operator/);
}

Deno.test("with --peers open whoever comes is let in, recorded and shown; three servers link in pairs", async () => {
  await using mill = await House.start("mill", "--peers", "open");
  await using office = await House.start("office", "--peers", "open");
  await using yard = await House.start("yard", "--peers", "open");
  const came = mill.says(/peer came by itself/);
  await office.ask("peer.add", { address: mill.address });
  await came;
  const linked = [mill, office].map((house) => house.says(/peer linked peer=yard/));
  await yard.ask("peer.add", { address: mill.address });
  await yard.ask("peer.add", { address: office.address });
  await Promise.all(linked);
  await mill.until(async () => (await mill.peers()).every(({ link }) => link === "linked"));
  deepStrictEqual(
    (await mill.peers()).map(({ name, pin, address }) => [name, pin, address]),
    [["office", "incoming", null], ["yard", "incoming", null]],
  );
  const shown = await serverCommand(["peer", "show", "yard"], { home: mill.home.path });
  match(shown.out, /Trusted: +it came by itself: compare the fingerprint with its operator/);
  // A removed one comes again: whoever does not want that pauses it.
  await mill.ask("peer.pause", { name: "yard" });
  strictEqual((await mill.peers())[1]?.state, "paused");
});

Deno.test("a line that breaks again and again is linked again each time", async () => {
  await using mill = await House.start("mill");
  await using office = await House.start("office", "--peers", "open");
  await using proxy = await FaultProxy.start(office.server.ready.port);
  const first = mill.says(/peer linked/);
  await mill.ask("peer.add", { address: `127.0.0.1:${proxy.port}`, name: "office" });
  await first;
  for (let count = 0; count < 3; count++) {
    const mark = mill.server.process.mark();
    proxy.cutNow();
    await mill.says(/peer link ended/, mark);
    await mill.says(/peer linked/, mark);
  }
  await agreed(mill, office);
  deepStrictEqual(await seen(mill, office), ["linked by_us", "linked by_them"]);
  // A server that stops in order says so.
  const told = mill.says(/peer link ended .*code=server_closing/);
  strictEqual((await office.server.stop()).code, 0);
  await told;
});

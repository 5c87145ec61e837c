/** What the interactive client keeps, and how it searches: over a profile, without a server. */
import assert from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { inputLimits } from "../../../lib/base/limits.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import type { Core } from "../../../client/engine/core.ts";
import { ProfileDesk } from "../../../client/engine/desk.ts";
import { storesOf } from "../../../client/engine/parts.ts";
import { Reading } from "../../../client/engine/reading.ts";
import { Contacts } from "../../../client/store/contacts.ts";
import { Lifetimes } from "../../../client/store/lifetimes.ts";
import { TempFolder } from "../../kit/folder.ts";
import { type LightProfile, lightProfile, someIdentity } from "../entrance/light_profile.ts";

/** A profile without any connection. */
async function withDesk(
  test: (
    world: { profile: LightProfile; core: Core; reading: Reading; desk: ProfileDesk },
  ) => void | Promise<void>,
): Promise<void> {
  await using temp = await TempFolder.make();
  const identity = someIdentity({ name: "ann", serverKey: generateSigningKey().publicKey });
  using profile = lightProfile(temp.path, identity);
  const own = { name: "ann", account: identity.certificate.accountId };
  const links = { awayOf: () => undefined };
  const core = { ...storesOf(profile), own, links } as unknown as Core;
  const reading = new Reading(core);
  await test({ profile, core, reading, desk: new ProfileDesk(core, reading) });
}

const bob = { kind: "direct", name: "bob" } as const;

Deno.test("lines are kept for the next window, but not those that went where messages disappear", () =>
  withDesk(({ profile, core, reading, desk }) => {
    const { thread } = profile.database.transaction(() => core.threads.obtain("bob"));
    desk.keepLine("to everybody", { kind: "lobby" });
    desk.keepLine("to bob", bob);
    new Lifetimes(profile).setTimer(thread, { after: 3_600_000, seq: undefined });
    desk.keepLine("to bob, for an hour", bob);
    desk.keepLine("to nobody knows whom", { kind: "group", name: "none" });
    desk.keepLine("x".repeat(inputLimits.historyLineChars + 1));
    desk.keepLine("  ");
    assert.deepEqual(desk.earlierLines(), [], "own lines are in the window itself");
    const next = new ProfileDesk(core, reading);
    assert.deepEqual(next.earlierLines(), ["to everybody", "to bob"]);
    assert.equal(desk.facts(bob).lifetime, 3_600_000);
  }));

Deno.test("a conversation's facts say whether the key was compared, or has changed", () =>
  withDesk(({ profile, desk }) => {
    const contacts = new Contacts(profile);
    const key = { account: randomId(), accountKey: generateSigningKey().publicKey };
    assert.deepEqual(desk.facts(bob), { key: "unverified", lifetime: 0 });
    contacts.put({ ...key, name: "bob", verified: true });
    assert.equal(desk.facts(bob).key, "verified");
    contacts.put({ ...key, name: "bob", verified: true, offered: key });
    assert.equal(desk.facts(bob).key, "changed");
    assert.deepEqual(desk.facts({ kind: "lobby" }), { lifetime: 0 });
    assert.deepEqual(desk.facts({ kind: "group", name: "none" }), { lifetime: 0 });
  }));

Deno.test("what somebody wants to be told of is kept, and is nothing at first", () =>
  withDesk(({ core, reading, desk }) => {
    assert.equal(desk.alerts().scope, "off");
    const wanted = {
      by: "osc9",
      scope: "all",
      text: true,
      conversations: { "@bob": "off" },
    } as const;
    desk.setAlerts(wanted);
    assert.deepEqual(new ProfileDesk(core, reading).alerts(), wanted);
  }));

Deno.test("a search goes through pages of messages that came in the same moment, and misses none", () =>
  withDesk(async ({ profile, core, reading }) => {
    profile.database.transaction(() => {
      const { thread } = core.threads.obtain("bob");
      for (let index = 0; index < 1_100; index++) {
        const text = index % 100 === 0 ? `Caf\u00e9 ${index}` : "something else";
        const content = { from: "bob", text };
        const facts = { own: false, unread: false, state: "received", ts: 5, sentAt: 5 } as const;
        core.messages.add({ thread, id: randomId(), content, ...facts });
      }
    });
    const found = await reading.history({ contains: "cafe\u0301" });
    assert.deepEqual(
      found.map(({ text }) => text),
      Array.from({ length: 11 }, (_, index) => `Caf\u00e9 ${index * 100}`),
    );
    const latest = await reading.history({ contains: "caf\u00e9", target: bob, limit: 2 });
    assert.deepEqual(latest.map(({ text }) => text), ["Caf\u00e9 900", "Caf\u00e9 1000"]);
    assert.deepEqual(await reading.history({ contains: "tea" }), []);
  }));

import assert from "node:assert/strict";
import { contentLimits } from "../../../lib/base/limits.ts";
import type { Clock } from "../../../lib/base/clock.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import { fromUtf8 } from "../../../lib/base/bytes.ts";
import { Expiring } from "../../../client/engine/content/expiring.ts";
import { keepDays } from "../../../client/engine/content/keep_days.ts";
import { Lifetimes } from "../../../client/store/lifetimes.ts";
import { lifetimeSentence, parseLifetime } from "../../../client/ui/lifetime.ts";
import { message, patience } from "../engine/kit.ts";
import { Village } from "../engine/village.ts";
import { Shelf } from "./store.ts";
import { to } from "./kit.ts";

const minute = 60_000;
const hour = 60 * minute;

/** The machine's clock, which a test can set ahead; timers that are due then go off. */
class Ahead implements Clock {
  #by = 0;
  readonly #timers = new Set<{ readonly at: number; readonly action: () => void }>();

  now() {
    return Date.now() + this.#by;
  }

  monotonic() {
    return performance.now() + this.#by;
  }

  after(ms: number, action: () => void) {
    const run = () => {
      cancel();
      action();
    };
    const timer = { at: this.now() + ms, action: run };
    this.#timers.add(timer);
    const stop = systemClock.after(ms, run);
    const cancel = () => {
      this.#timers.delete(timer);
      stop();
    };
    return cancel;
  }

  /** Sets it ahead; only what waits for at least a minute goes off by that. */
  jump(ms: number) {
    const started = this.now();
    this.#by += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > started + minute / 2 && timer.at <= this.now()) timer.action();
    }
  }
}

Deno.test("disappearing messages go on both sides, also from quotes, and the timer holds for both", async () => {
  await using village = await Village.make();
  const clock = new Ahead();
  const facts = await village.device("alice");
  const alice = await village.open(facts, { clock });
  const bobby = await village.online("bobby", { clock });
  const kept = await alice.send(to("bobby"), "this stays");
  await message(bobby, "this stays");
  const { id } = await alice.content.expire(to("bobby"), hour);
  await alice.content.settled(id, patience());
  await message(bobby, "alice made messages disappear 1 h after they are read");
  await message(alice, "you made messages disappear 1 h after they are read");
  assert.equal(await bobby.content.lifetime(to("alice")), hour);

  const sent = await alice.send(to("bobby"), "this goes");
  const got = await message(bobby, "this goes");
  await alice.waitFor(sent.id, "delivered", patience());
  const reply = await bobby.content.reply(got.id, "this too");
  await message(alice, "this too");
  assert.ok((await alice.content.find(sent.id)).expiresAt);
  const unreadUntil = (await bobby.content.find(got.id)).expiresAt ?? 0;
  assert.ok(unreadUntil > clock.now() + contentLimits.unreadGraceMs);
  await bobby.markRead(got);
  const readUntil = (await bobby.content.find(got.id)).expiresAt ?? 0;
  assert.ok(readUntil <= clock.now() + hour && readUntil > clock.now());
  await bobby.waitFor(reply.id, "delivered", patience());

  clock.jump(hour + minute);
  const texts = async (engine: typeof alice) =>
    (await engine.history({})).flatMap(({ kind, text }) => kind === "text" ? [text] : []);
  assert.deepEqual(await texts(bobby), ["this stays"]);
  assert.deepEqual(await texts(alice), ["this stays", "this too"], "not read yet");
  await alice.stop();
  clock.jump(contentLimits.unreadGraceMs + hour);
  const again = village.engine(facts, { clock });
  assert.deepEqual(await texts(again), ["this stays"], "also after a restart");
  assert.equal((await again.history({}))[0]?.id, kept.id);

  const off = await bobby.content.expire(to("alice"), 0);
  await bobby.content.settled(off.id, patience());
  const forever = await bobby.send(to("alice"), "for ever");
  assert.equal((await bobby.content.find(forever.id)).expiresAt, undefined);
  await assert.rejects(bobby.content.expire({ kind: "lobby" }, hour), {
    code: "not_permitted_now",
  });
  await assert.rejects(bobby.content.expire(to("alice"), 5), { code: "malformed" });
});

Deno.test("a device that came later learns the timer from messages that have it", async () => {
  await using shelf = await Shelf.make();
  const { thread, core } = shelf;
  const timer = () => new Lifetimes(core.sealed).timer(thread).after;
  const text = (text: string) => ({ kind: "text", body: { text } }) as const;
  shelf.hear("alice", text("stays"));
  assert.equal(timer(), 0);
  shelf.hear("alice", text("goes"), { expireAfter: hour });
  assert.equal(timer(), hour);
  shelf.hear("bobby", { kind: "expiry", body: { after: 0 } });
  shelf.hear("alice", text("was on its way"), { expireAfter: hour });
  assert.equal(timer(), 0);
});

Deno.test("the words of a message that has gone stand nowhere in the database any more", async () => {
  await using shelf = await Shelf.make();
  const { core, clock } = shelf;
  const expiring = new Expiring(core);
  const id = shelf.hear("alice", { kind: "text", body: { text: "gone soon" } }, {
    expireAfter: hour,
  });
  const reply = { id, from: "alice", quote: "gone soon" };
  const answer = shelf.hear("bobby", { kind: "text", body: { text: "why?", reply } });
  shelf.hear("alice", { kind: "edit", body: { to: id, text: "gone very soon" } });
  expiring.look();
  assert.equal(shelf.get(id)?.content.text, "gone very soon");
  await clock.advance(hour + contentLimits.unreadGraceMs);
  assert.equal(shelf.get(id), undefined);
  assert.deepEqual(shelf.get(answer)?.content.reply, { id });
  const rows = core.sealed.database.prepare("SELECT thread, id, content FROM messages")
    .all<{ thread: number; id: string; content: Uint8Array }>();
  const opened = rows.map(({ thread, id, content }) =>
    fromUtf8(core.sealed.open(`messages.content:${thread}:${id}`, content))
  );
  assert.ok(!opened.some((content) => content.includes("soon")), opened.join("\n"));
  expiring.stop();
});

Deno.test("the server is asked for the shortest of a few times that is long enough", () => {
  const day = 24 * hour;
  const asked = [10_000, day, day + 1, 7 * day, 8 * day, 31 * day].map((after) =>
    keepDays(after).keepDays
  );
  assert.deepEqual(asked, [1, 1, 7, 7, 30, undefined]);
  assert.deepEqual(keepDays(undefined), {});
});

Deno.test("times are read as people write them, and nothing else is", () => {
  const good = { off: 0, "10s": 10_000, "90min": 90 * minute, "1h": hour, "7D": 168 * hour };
  for (const [text, after] of Object.entries(good)) assert.equal(parseLifetime(text), after, text);
  for (const bad of ["", "1", "5s", "91d", "-1h", "1 year", "1e3s", "0h", "99999999h"]) {
    assert.equal(parseLifetime(bad), undefined, bad);
  }
  assert.match(lifetimeSentence("@sam", hour), /disappear 1h after/);
  assert.match(lifetimeSentence("@sam", 0), /stay/);
});

/** How long a transfer waits: to the end of its pause, or until what was missing is back. */
import assert from "node:assert/strict";
import { type Missing, Returns } from "../../../client/engine/returns.ts";
import { untilDone } from "../../../client/engine/files/retry.ts";
import { Links } from "../../../client/engine/links.ts";
import { type LinkParts, type Receivers, routing } from "../../../client/engine/routing.ts";
import { AppError, type ErrorCode } from "../../../lib/base/errors.ts";
import { clientLimits } from "../../../lib/base/limits.ts";
import { ManualClock, turns } from "../../wire/kit.ts";

/** A transfer that fails with `codes`, one after another, and then is done. */
function transferring(codes: readonly ErrorCode[], options: { onAttempt?: () => void } = {}) {
  const clock = new ManualClock();
  const returns = new Returns();
  const left = [...codes];
  const tried = { times: 0 };
  const stop = new AbortController();
  const done = untilDone({ clock, returns, random: () => 0.5 }, {
    attempt: () => {
      tried.times++;
      options.onAttempt?.();
      const code = left.shift();
      return code === undefined ? Promise.resolve("done") : Promise.reject(new AppError(code));
    },
    moved: () => 0,
    signal: stop.signal,
  });
  return { clock, returns, tried, done, stop };
}

const come = (returns: Returns, what: Missing) =>
  what === "connection" ? returns.connected() : returns.linked();

for (
  const [code, missing] of [
    ["timeout", "connection"],
    ["server_closing", "connection"],
    ["slow_reader", "connection"],
    ["too_many_connections", "connection"],
    ["server_away", "connection"],
    ["server_away", "link"],
  ] as const
) {
  Deno.test(`after ${code} a transfer goes on at once when the ${missing} is back`, async () => {
    const { clock, returns, tried, done } = transferring([code, code, code]);
    for (let times = 1; times <= 3; times++) {
      await turns();
      assert.equal(tried.times, times);
      come(returns, missing);
    }
    assert.equal(await done, "done");
    assert.equal(clock.pending, 0, "no pause is left behind");
  });
}

for (
  const [code, back] of [
    ["rate_limited", "connection"],
    ["internal", "connection"],
    ["timeout", "link"],
  ] as const
) {
  Deno.test(`after ${code} the return of the ${back} shortens no pause`, async () => {
    const { clock, returns, tried, done } = transferring([code]);
    await turns();
    come(returns, back);
    await turns();
    assert.equal(tried.times, 1);
    await clock.advance(1000);
    assert.equal(await done, "done");
  });
}

Deno.test("a connection that came back while a failed attempt was still ending counts", async () => {
  const returned: (() => void)[] = [];
  const onAttempt = () => returned.shift()?.();
  const { returns, tried, done } = transferring(["timeout", "timeout"], { onAttempt });
  await turns();
  assert.equal(tried.times, 1);
  returned.push(() => returns.connected());
  returns.connected();
  assert.equal(await done, "done");
  assert.equal(tried.times, 3);
});

Deno.test("without a return the pause is waited out, and a transfer that is stopped ends at once", async () => {
  const { clock, tried, done, stop } = transferring(["timeout", "timeout"]);
  await turns();
  await clock.advance(clientLimits.reconnectFirstMs);
  assert.equal(tried.times, 2);
  stop.abort(new Error("stopped"));
  await assert.rejects(done, /stopped/);
  assert.equal(clock.pending, 0);
});

Deno.test("what one's own server says of a link reaches those who wait for it", () => {
  const [links, returns] = [new Links(), new Returns()];
  const nothing = () => undefined;
  const core: LinkParts = { links, returns, checkpoints: { hear: nothing, compareSoon: nothing } };
  const to: Receivers = {
    self: { account: "" },
    inbox: { take: nothing },
    marks: { receipt: nothing },
    watch: { removals: nothing, state: nothing },
    lobby: { take: () => Promise.resolve() },
    archive: { moved: nothing },
    feed: { emit: nothing },
    sending: { kickAll: nothing },
    sync: { inBackground: nothing, linked: () => Promise.resolve() },
  };
  const route = routing(core, to);
  let went = 0;
  const since = returns.moment;
  returns.watch({ missing: "link", since, go: () => went++ });
  route({
    message: { type: "server.link", server: "mill", linked: false },
    body: new Uint8Array(),
  });
  assert.equal(went, 0);
  route({ message: { type: "server.link", server: "mill", linked: true }, body: new Uint8Array() });
  assert.equal(went, 1);
});

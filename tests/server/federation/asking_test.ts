import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { concat } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { frameLimits, peerLimits } from "../../../lib/base/limits.ts";
import type { Message } from "../../../lib/wire/messages.ts";
import { AskWindow } from "../../../server/federation/ask_window.ts";
import { type Answered, Asking, type Question } from "../../../server/federation/asking.ts";
import type { PeerChannel } from "../../../server/federation/channel.ts";
import { askInPieces } from "../../../server/federation/pieces.ts";
import { RefusedByPeer } from "../../../server/federation/refused.ts";
import { fromReply } from "../../../server/requests/replies.ts";
import { ManualClock, turns } from "../../wire/kit.ts";

const nothing = new Uint8Array(0);
const info: Question = {
  kind: "request",
  certificate: "AAAA",
  message: { type: "conversation.info", conversation: randomId() },
};
const keys: Question = { kind: "keys", name: "rae" };

/** One end of a link whose other end is the test. */
function setUp(answer: (question: Question) => Promise<Answered> = () => Promise.reject()) {
  const sent: Message<"peer.ask" | "peer.answer" | "peer.refusal">[] = [];
  const count = { exceeded: 0 };
  const exceeded = () => void count.exceeded++;
  const clock = new ManualClock();
  const channel: PeerChannel = {
    id: "1",
    dialled: "by_us",
    identity: new Uint8Array(32),
    remote: "there",
    send: (json) => void sent.push(JSON.parse(json)),
    receive: () => Promise.resolve(undefined),
    queuedAtMost: () => Promise.resolve(),
    probe: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  };
  return { asking: new Asking({ channel, clock, answer, exceeded }), sent, clock, count };
}

Deno.test("a question that gets no answer in time, or whose link ends, has none", async () => {
  const { asking, clock } = setUp();
  const late = rejects(asking.ask(keys), { code: "server_away" });
  await clock.advance(peerLimits.askMs);
  await late;
  const over = rejects(asking.ask(keys), { code: "server_away" });
  asking.end();
  await over;
  await rejects(asking.ask(keys), { code: "server_away" });
});

Deno.test("each question has its own deadline, and an answer that comes too late changes nothing", async () => {
  const { asking, sent, clock } = setUp();
  const first = rejects(asking.ask(keys), { code: "server_away" });
  await clock.advance(peerLimits.askMs - 1);
  const second = asking.ask({ kind: "consistency", from: 1, to: 2 });
  await clock.advance(1);
  await first;
  const answerTo = (id: number, answer: Message<"peer.answer">["answer"]) =>
    asking.take({ type: "peer.answer", id, answer }, nothing);
  answerTo(sent[0]?.id ?? 0, { kind: "users", users: [], more: false });
  answerTo(sent[1]?.id ?? 0, { kind: "consistency", path: [] });
  deepStrictEqual((await second).answer, { kind: "consistency", path: [] });
});

Deno.test("an answer of another kind than the question ends the link", async () => {
  const { asking, sent } = setUp();
  const refused = rejects(asking.ask(keys), { code: "server_away" });
  const answer = { kind: "users" as const, users: [], more: false };
  const { id = 0 } = sent[0] ?? {};
  throws(() => asking.take({ type: "peer.answer", id, answer }, nothing), { code: "malformed" });
  await refused;
});

Deno.test("no more is asked at once than the other side carries out; the rest goes in order", async () => {
  const { asking, sent } = setUp();
  const most = peerLimits.requestsInFlight;
  const asked = Array.from({ length: most + 2 }, () => asking.ask(keys));
  strictEqual(sent.length, most);
  const refusal = { type: "peer.refusal", id: sent[7]?.id ?? 0, code: "not_allowed" } as const;
  asking.take(refusal, nothing);
  await rejects(asked[7] ?? Promise.resolve(), { code: "not_allowed" });
  strictEqual(sent.length, most + 1);
  const rest = asked.filter((_, at) => at !== 7).map((each) =>
    rejects(each, { code: "server_away" })
  );
  asking.end();
  await Promise.all(rest);
  strictEqual(sent.length, most + 1);
});

Deno.test("of what may have a large answer little is asked at once", async () => {
  const { asking, sent } = setUp();
  const asked = [info, info, info, keys].map((question) => asking.ask(question));
  deepStrictEqual(sent.map(({ id }) => id), [1, 2]);
  const codes = ["not_a_member", "not_allowed", "not_found", "no_such_user"];
  codes.forEach((code, at) => asking.take({ type: "peer.refusal", id: at + 1, code }, nothing));
  deepStrictEqual(sent.map(({ id }) => id), [1, 2, 3, 4]);
  await Promise.all(asked.map((each, at) => rejects(each, { code: codes[at] ?? "" })));
});

Deno.test("a window lets something large go alone, and forgets what nobody waits for any more", () => {
  const window = new AskWindow({ count: 3, bytes: 10 });
  const sent: string[] = [];
  const take = (name: string, bytes: number) => window.take(bytes, () => sent.push(name));
  const small = take("small", 5);
  const large = take("large", 100);
  const given = take("given up", 1);
  const last = take("last", 10);
  deepStrictEqual(sent, ["small"]);
  given();
  small();
  deepStrictEqual(sent, ["small", "large"]);
  small();
  deepStrictEqual(sent, ["small", "large"]);
  large();
  deepStrictEqual(sent, ["small", "large", "last"]);
  last();
});

Deno.test("a peer that asks more than may be under way is read no further until something is done", async () => {
  const carried = Promise.withResolvers<Answered>();
  const { asking, sent } = setUp(() => carried.promise);
  await asking.room();
  for (const id of [1, 2]) asking.take({ type: "peer.ask", id, ask: info }, nothing);
  let waiting = true;
  const room = asking.room().then(() => waiting = false);
  await Promise.resolve();
  ok(waiting);
  carried.resolve({ ok: false, code: "epoch_conflict", epoch: 7 });
  await room;
  deepStrictEqual(sent[0], { type: "peer.refusal", id: 1, code: "epoch_conflict", epoch: 7 });
});

Deno.test("questions about accounts beyond what a second allows are refused, requests are not", async () => {
  const { asking, sent, clock, count } = setUp(() =>
    Promise.resolve({ ok: false, code: "not_found" })
  );
  const most = peerLimits.asksPerSecond;
  const codes = () => sent.splice(0).map((each) => "code" in each ? each.code : each.type);
  for (let id = 0; id < most; id++) {
    asking.take({ type: "peer.ask", id, ask: keys }, nothing);
    if (id % peerLimits.asksInFlight === 0) await turns();
  }
  asking.take({ type: "peer.ask", id: most, ask: keys }, nothing);
  deepStrictEqual(new Set(codes().slice(-1)), new Set(["rate_limited"]));
  asking.take({ type: "peer.ask", id: most + 1, ask: info }, nothing);
  await asking.room();
  deepStrictEqual(codes().slice(-1), ["not_found"]);
  await clock.advance(1000);
  asking.take({ type: "peer.ask", id: most + 2, ask: keys }, nothing);
  await turns();
  deepStrictEqual(codes(), ["not_found"]);
  strictEqual(count.exceeded, 1);
  // What a third server has to answer counts for more: that one answers all of us only so much.
  const third = { ...keys, server: "A".repeat(43) };
  const some = (most - 1) / peerLimits.thirdAskCost;
  for (let id = 0; id <= some; id++) asking.take({ type: "peer.ask", id, ask: third }, nothing);
  await turns();
  strictEqual(codes().filter((code) => code === "rate_limited").length, 1);
  strictEqual(count.exceeded, 2);
});

Deno.test("what is larger than half a frame goes ahead in pieces, over the same link", async () => {
  const asked: { readonly question: Question; readonly body: Uint8Array }[] = [];
  const link = {
    ask: (question: Question, body: Uint8Array = nothing) => {
      asked.push({ question, body });
      const reply = { type: "conversation.stage.ok" as const, staged: 0 };
      return Promise.resolve({ answer: { kind: "request" as const, reply }, body: nothing });
    },
  };
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const whole = concat(...Array.from({ length: 40 }, () => bytes));
  const message: Extract<Question, { kind: "request" }>["message"] = {
    type: "conversation.recreate",
    conversation: randomId(),
    incarnation: 0,
    hash: "A".repeat(43),
    roster: [],
    parts: [0, 0, whole.length],
  };
  await askInPieces(link, { kind: "request", certificate: "AAAA", message }, whole);
  const types = asked.map(({ question }) => question.kind === "request" && question.message.type);
  const stages = types.slice(0, -1);
  deepStrictEqual(new Set(stages), new Set(["conversation.stage"]));
  strictEqual(types.at(-1), "conversation.recreate");
  let offset = 0;
  for (const { question, body } of asked) {
    ok(body.length <= frameLimits.bodyBytes / 2);
    ok(question.kind === "request");
    if (question.message.type === "conversation.stage") {
      strictEqual(question.message.offset, offset);
    }
    offset += body.length;
  }
  deepStrictEqual(concat(...asked.map(({ body }) => body)), whole);
});

Deno.test("of another server's reply a client gets the fields of its own reply and nothing else", () => {
  const reply = { type: "message.send.ok" as const, seq: 3, ts: 4 };
  const sneaky = { ...reply, id: 99, body: 7, code: "x" };
  deepStrictEqual(fromReply("message.send", sneaky, new Uint8Array(7)), {
    ok: true,
    fields: { seq: 3, ts: 4 },
  });
  strictEqual(fromReply("conversation.leave", reply, nothing), undefined);
});

Deno.test("another server's refusal says nothing about the session of whoever asked", () => {
  const codeOf = (code: string) => new RefusedByPeer({ code }).code;
  for (const code of ["device_revoked", "account_disabled", "unknown_device"]) {
    strictEqual(codeOf(code), "not_accepted");
  }
  for (const code of ["already_logged_in", "server_closing", "tampering", "toString"]) {
    strictEqual(codeOf(code), "server_away");
  }
  const { code, epoch, fault } = new RefusedByPeer({ code: "epoch_conflict", epoch: 4 });
  deepStrictEqual([code, epoch, fault], ["epoch_conflict", 4, new AppError("malformed").fault]);
});

import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { concat, toBase64url, utf8 } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { mlsLimits, peerLimits } from "../../../lib/base/limits.ts";
import { signCommitRefusal } from "../../../lib/crypto/commit_refusal.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { lookalikeMessage, sendLookalike, type Speaker } from "../../kit/conversation.ts";
import { newAccount } from "../../kit/wire_client.ts";
import { keyPackageOf, listed, WireGroup } from "../../kit/wire_group.ts";
import { House } from "./kit.ts";
import { claim, refusal, settle } from "./people.ts";
import { certificateOf, Neighbour } from "./neighbour.ts";

const codeOf = async (work: Promise<unknown>) => (await refusal(work))[0];

Deno.test("a hub carries out what people of a linked server ask it, as for its own", async (t) => {
  await using mill = await House.start("mill", "--peers", "open");
  await using office = await Neighbour.link(mill, "office");
  await using yard = await Neighbour.link(mill, "yard");
  const [sam, tom] = [await settle(mill, "sam"), await settle(mill, "tom")];
  await using _sam = sam.client;
  await using _tom = tom.client;
  const [rae, ron, yan] = [office.person("rae"), office.person("ron"), yard.person("yan")];
  office.offers(rae, await keyPackageOf(rae));

  await claim(sam, rae, "office");
  const group = await WireGroup.create([sam, tom, rae], { rae: "admin" });
  const { conversation } = group;
  const next = async () => {
    const asked = { type: "conversation.info", conversation } as const;
    return (await sam.client.request(asked)).message.epoch;
  };

  await t.step("a message of theirs is a row like any other", async () => {
    const sent = await sendLookalike(rae, { conversation });
    const { message, body } = await tom.client.event("message");
    deepStrictEqual(
      [message.seq, message.account, message.device, message.message, toBase64url(body)],
      [sent.seq, rae.account.id, rae.client.deviceText, sent.id, sent.text],
    );
  });
  await t.step("the same again, because the answer was lost, changes nothing", async () => {
    const id = randomId();
    const bytes = lookalikeMessage(conversation, { epoch: 1 });
    const first = await sendLookalike(rae, { conversation, id, bytes });
    const again = await sendLookalike(rae, { conversation, id, bytes });
    deepStrictEqual([again.seq, again.ts], [first.seq, first.ts]);
    strictEqual((await sendLookalike(rae, { conversation })).seq, first.seq + 1);
  });
  await t.step("of two commits for one epoch one wins, wherever its sender is", async () => {
    const [near, far] = [await group.draft(tom, {}), await group.draft(rae, {})];
    const done = await Promise.allSettled([group.send(tom, near), group.send(rae, far)]);
    deepStrictEqual(done.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    const [winner, loser] = done[0].status === "fulfilled" ? [near, far] : [far, near];
    const whose = winner === near ? [tom, rae] as const : [rae, tom] as const;
    deepStrictEqual(await refusal(group.send(whose[1], loser)), ["epoch_conflict", 2]);
    // The winner's own repeat gets the answer of the first time.
    strictEqual((await group.send(whose[0], winner)).message.epoch, 2);
    group.keep(whose[0], winner.pending.next);
    for (const other of [sam, whose[1]]) await group.apply(other, winner.pending.bytes);
  });
  await t.step("what they need to join by themselves", async () => {
    const asked = { type: "conversation.info", conversation } as const;
    const [far, near] = [await rae.client.request(asked), await sam.client.request(asked)];
    // Each device has a place of its own in the log.
    const { id: _, after: __, body: ___, ...info } = { ...near.message };
    const { id: ____, after: _____, body: ______, ...same } = { ...far.message };
    deepStrictEqual(info, same);
    deepStrictEqual(far.body, near.body);
  });
  await t.step("they add people of their own server, whom nobody here has seen", async () => {
    await group.change(rae, { membership: { add: [listed(ron)] }, add: [ron] }, [sam, tom]);
    await sendLookalike(ron, { conversation, epoch: await next() });
  });
  await t.step("people of third servers are asked about there", async () => {
    const declared = await group.draft(rae, { membership: { add: [listed(yan)] }, add: [yan] });
    const certificates = [yan.client.certificate(yan.account)];
    let says: readonly string[] = [];
    const asked: string[] = [];
    yard.answer = (ask) => {
      if (ask.kind !== "keys") return undefined;
      asked.push(ask.account ?? "");
      const proof = { entry: "AAAA", index: 0, path: [], checkpoint: "" };
      const key = toBase64url(yan.account.key.publicKey);
      const keys = { account: yan.account.id, name: "yan", accountKey: key, revocations: [] };
      return { answer: { kind: "keys", ...keys, ...proof, certificates: [...says] } };
    };
    // As long as that server does not say that the device is hers, somebody may have made it up.
    strictEqual(await codeOf(group.send(rae, declared)), "no_such_user");
    says = certificates;
    await group.send(rae, declared);
    deepStrictEqual(asked, [yan.account.id, yan.account.id]);
    group.keep(rae, declared.pending.next);
    for (const other of [sam, tom, ron]) await group.apply(other, declared.pending.bytes);
    await group.join(yan, declared.pending);
    await sendLookalike(yan, { conversation, epoch: await next() });
  });
  await t.step("they cannot do what their role does not allow", async () => {
    const membership = { roles: [listed(ron, "admin")] };
    strictEqual(
      await codeOf(group.send(ron, await group.draft(ron, { membership }))),
      "not_allowed",
    );
  });
  await t.step("commits that two of them cannot apply are taken back", async () => {
    const epoch = await next();
    const declared = await group.draft(tom, {});
    await group.send(tom, declared);
    const { hash } = declared.request;
    const refuse = async ({ client }: Speaker) => {
      const facts = { conversation, incarnation: 0, epoch, hash, reason: "invalid" } as const;
      const signature = toBase64url(signCommitRefusal(client.device, facts));
      return (await client.request({ type: "conversation.refuse", ...facts, signature })).message;
    };
    strictEqual((await refuse(rae)).rolledBack, false);
    strictEqual((await refuse(yan)).rolledBack, true);
    const { message } = await sam.client.event("rollback");
    deepStrictEqual([message.hash, message.refusals.length], [hash, 2]);
    strictEqual(await next(), epoch);
  });
  await t.step("what one frame cannot hold they send in pieces", async () => {
    const epoch = await next();
    const { request, bodies, pending } = await group.draft(rae, {});
    const whole = concat(...bodies);
    const { hash } = request;
    for (const [offset, end] of [[0, 1000], [1000, 1500]] as const) {
      const piece = whole.subarray(offset, end);
      const stage = { type: "conversation.stage", hash, offset, body: piece.length } as const;
      strictEqual((await rae.client.request(stage, piece)).message.staged, end);
    }
    const commit = { type: "conversation.commit", ...request, incarnation: 1 } as const;
    await rae.client.request(commit, whole.subarray(1500));
    strictEqual(await next(), epoch + 1);
    group.keep(rae, pending.next);
    for (const other of [sam, tom, ron, yan]) await group.apply(other, pending.bytes);
  });
  await t.step("they leave, and everybody hears that they have to be removed", async () => {
    const left = await ron.client.request({ type: "conversation.leave", conversation });
    strictEqual(left.message.deleted, false);
    const { message } = await sam.client.event("conversation.removals");
    deepStrictEqual(message.leaving, [ron.account.id]);
    strictEqual(
      await codeOf(sendLookalike(ron, { conversation, epoch: await next() })),
      "not_a_member",
    );
  });
  await t.step(
    "what one device asks is carried out in the order in which it was asked",
    async () => {
      const epoch = await next();
      const count = 3 * peerLimits.requestsInFlight;
      const asks = Array.from({ length: count }, () =>
        rae.client.request({
          type: "message.send",
          conversation,
          message: randomId(),
          incarnation: 1,
          epoch,
          body: 0,
        }, lookalikeMessage(conversation, { epoch, size: 100 })));
      const seqs = (await Promise.all(asks)).map(({ message }) => message.seq);
      deepStrictEqual(seqs, seqs.toSorted((a, b) => a - b));
      strictEqual(new Set(seqs).size, count);
    },
  );
});

Deno.test("a linked server that asks for what is not its own gets nothing", async (t) => {
  await using mill = await House.start("mill", "--peers", "open");
  await using office = await Neighbour.link(mill, "office");
  await using yard = await Neighbour.link(mill, "yard");
  const sam = await settle(mill, "sam");
  await using _sam = sam.client;
  const [rae, ron, yan] = [office.person("rae"), office.person("ron"), yard.person("yan")];
  office.offers(rae, await keyPackageOf(rae));
  await claim(sam, rae, "office");
  const { conversation } = await WireGroup.create([sam, rae]);
  const send = (bytes = lookalikeMessage(conversation, { epoch: 1 })) => ({
    message: { type: "message.send", conversation, message: randomId(), epoch: 1 },
    bytes,
  });
  const ask = (certificate: string, { message, bytes } = send()) =>
    codeOf(office.ask({ kind: "request", certificate, message }, bytes));
  const certified = ({ client, account }: Speaker) => client.certificate(account);

  await t.step("in the name of a person of this server, or of a third one", async () => {
    strictEqual(await ask(certified(sam)), "invalid_certificate");
    strictEqual(await ask(certified(yan)), "invalid_certificate");
    strictEqual(await ask("AAAA"), "invalid_certificate");
  });
  await t.step("in the name of an account with another key or name than it had", async () => {
    const { publicKey } = office.identity;
    const device = generateSigningKey();
    const otherKey = { ...rae.account, key: generateSigningKey() };
    const otherName = { ...rae.account, name: "ray" };
    const otherId = { ...newAccount("rae") };
    for (const account of [otherKey, otherName, otherId]) {
      strictEqual(await ask(certificateOf(account, device, publicKey)), "invalid_certificate");
    }
    // A device of somebody else.
    const stolen = certificateOf(ron.account, rae.client.device, publicKey);
    strictEqual(await ask(stolen), "invalid_certificate");
  });
  await t.step("in a conversation in which its person is not", async () => {
    strictEqual(await ask(certified(ron)), "not_a_member");
    for (const type of ["conversation.info", "conversation.leave"]) {
      const message = { type, conversation };
      const asked = office.ask({ kind: "request", certificate: certified(ron), message });
      strictEqual(await codeOf(asked), "no_such_conversation");
    }
    const elsewhere = { type: "conversation.info", conversation: randomId() };
    const asked = office.ask({ kind: "request", certificate: certified(rae), message: elsewhere });
    strictEqual(await codeOf(asked), "no_such_conversation");
  });
  await t.step("with bodies that are not what they are said to be", async () => {
    const own = certified(rae);
    strictEqual(await ask(own, send(utf8("hello"))), "malformed");
    strictEqual(await ask(own, send(lookalikeMessage(randomId(), { epoch: 1 }))), "malformed");
    strictEqual(await ask(own, send(lookalikeMessage(conversation, { epoch: 2 }))), "malformed");
    strictEqual(await ask(own, send(new Uint8Array(0))), "malformed");
  });
  await t.step("with commits of somebody else, whole or in pieces that do not fit", async () => {
    const group = await WireGroup.create([sam, rae]);
    const { request, bodies } = await group.draft(sam, {});
    const { body: _, ...message } = { type: "conversation.commit", ...request };
    const certificate = certified(rae);
    const commit = (bytes: Uint8Array) =>
      codeOf(office.ask({ kind: "request", certificate, message }, bytes));
    strictEqual(await commit(concat(...bodies)), "malformed");
    strictEqual(await commit(concat(...bodies).subarray(1)), "malformed");
    const stage = { type: "conversation.stage", hash: request.hash, offset: 7 };
    const staged = office.ask({ kind: "request", certificate, message: stage }, utf8("x"));
    strictEqual(await codeOf(staged), "malformed");
    const info = await sam.client.request({
      type: "conversation.info",
      conversation: group.conversation,
    });
    strictEqual(info.message.epoch, 1);
  });
  await t.step("in more names than can be looked into", async () => {
    // No certificates: those in front of them are not to take longer than the second in which so many are allowed.
    const names = Array.from(
      { length: 2 * peerLimits.partiesPerSecond },
      () => randomId().replaceAll("-", "").padEnd(43, "A"),
    );
    const codes = await Promise.all(names.map((certificate) => ask(certificate)));
    ok(codes.includes("rate_limited"));
    deepStrictEqual(new Set(codes), new Set(["invalid_certificate", "rate_limited"]));
  });
  await t.step("by claiming without end", async () => {
    const account = sam.account.id;
    const claim = async (certificate: string) => {
      const message = { type: "keypackages.claim", account, conversation: randomId() };
      const asked = await office.ask({ kind: "request", certificate, message });
      const { answer } = asked.message;
      // A stranger of another server.
      return answer.kind === "request" && answer.asked === true;
    };
    // All at once: one after another they might take more than the minute in which so many are allowed.
    const most = mlsLimits.claimsPerMinute;
    const claims = Array.from({ length: most + 1 }, () => claim(certified(ron)));
    const last = claims.pop() ?? Promise.resolve();
    const refused = codeOf(last);
    deepStrictEqual(await Promise.all(claims), Array<boolean>(most).fill(true));
    strictEqual(await refused, "rate_limited");
    // That concerns nobody else.
    const message = { type: "keypackages.claim", account, conversation: randomId() };
    const asked = await office.ask({ kind: "request", certificate: certified(rae), message });
    // He has written to her himself.
    ok(asked.message.answer.kind === "request" && asked.message.answer.asked === false);
  });
  await t.step("with answers to claims that are not for the account that was meant", async () => {
    const claimed = (of: Speaker) => refusal(claim(sam, of, "office")).then(([code]) => code);
    office.offers(ron, await keyPackageOf(rae));
    strictEqual(await claimed(ron), "server_away");
    office.offers(ron, await keyPackageOf(ron), { device: rae.client.deviceText });
    strictEqual(await claimed(ron), "server_away");
    // Certified for another server.
    office.offers(yan, await keyPackageOf(yan));
    strictEqual(await claimed(yan), "server_away");
    // Of another account under a name that is known: names do not change hands.
    const other = office.person("rae");
    office.offers(other, await keyPackageOf(other));
    strictEqual(await claimed(other), "invalid_certificate");
    office.answer = () => ({ answer: { kind: "users", users: [], more: false } });
    const broken = claimed(ron);
    strictEqual(await broken, "server_away");
    await office.ended;
  });
  await t.step("with refusals that would mean something about the session here", async () => {
    for (const [said, heard] of [["device_revoked", "not_accepted"], ["what", "server_away"]]) {
      yard.answer = () => ({ code: said ?? "" });
      deepStrictEqual(await refusal(claim(sam, yan, "yard")), [heard, undefined]);
    }
  });
  await t.step("with what clients of this server alone may ask: the link ends", async () => {
    const message = { type: "vault.get" };
    await rejects(yard.ask({ kind: "request", certificate: certified(yan), message }), {
      code: "server_away",
    });
    await yard.ended;
  });
});

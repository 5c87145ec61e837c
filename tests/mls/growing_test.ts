import assert from "node:assert/strict";
import {
  createKeyPackage,
  joinExternally,
  joinFromWelcome,
  type MlsContext,
  type MlsGroup,
  type PendingCommit,
} from "../../lib/mls/mod.ts";
import { testSeed } from "../kit/seed.ts";
import { account, applied, as, commit, device, newGroup, now, received, reloaded } from "./kit.ts";

interface Participant {
  context: MlsContext;
  group: MlsGroup;
}

/** Repeatable random integers below `bound` (a linear congruential generator is enough to vary a test). */
function randomFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % bound;
  };
}

/** A group of the devices of two people, changed at random by whoever it may be. */
class Crowd {
  readonly participants: Participant[] = [];
  readonly #owners = [account("alice"), account("bob")];
  readonly #random: (bound: number) => number;
  #groupInfo: Uint8Array | undefined;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  async begin(): Promise<void> {
    const context = this.#device();
    this.participants.push({ context, group: await newGroup(context) });
  }

  #device(): MlsContext {
    const owner = this.#owners[this.#random(2)] ?? account("nobody");
    return device(owner);
  }

  #pick(): Participant {
    const picked = this.participants[this.#random(this.participants.length)];
    assert.ok(picked);
    return picked;
  }

  /** Everybody else applies the commit. */
  async #spread(pending: PendingCommit, committer: Participant): Promise<void> {
    for (const each of this.participants) {
      each.group = each === committer
        ? pending.next
        : (await applied(each.group, pending.bytes)).group;
    }
    this.#groupInfo = pending.groupInfo;
  }

  async add(count: number): Promise<void> {
    const news = Array.from({ length: count }, () => this.#device());
    const packages = await Promise.all(
      news.map(({ identity }) => createKeyPackage(identity, { now, lastResort: false })),
    );
    const adder = this.#pick();
    const pending = await commit(adder.group, { add: packages.map((each) => each.keyPackage) });
    await this.#spread(pending, adder);
    assert.ok(pending.welcome);
    for (const context of news) {
      const own = packages[news.indexOf(context)];
      const privateStates = (ref: string) => ref === own?.ref ? own.privateState : undefined;
      const joined = await joinFromWelcome(pending.welcome, { ...context, privateStates });
      this.participants.push({ context, group: as(joined, "joined").group });
    }
  }

  async remove(): Promise<void> {
    const [remover, victim] = [this.#pick(), this.#pick()];
    if (remover === victim) return;
    const pending = await commit(remover.group, { remove: [victim.group.ownLeafIndex] });
    await this.#spread(pending, remover);
    assert.equal(victim.group.active, false);
    this.participants.splice(this.participants.indexOf(victim), 1);
  }

  async renew(): Promise<void> {
    const committer = this.#pick();
    await this.#spread(await commit(committer.group), committer);
  }

  async join(again: boolean): Promise<void> {
    if (this.#groupInfo === undefined) return;
    const joiner = again ? this.#pick() : undefined;
    const context = joiner?.context ?? this.#device();
    const owner = context.identity.certificate.accountKey.join();
    const known = this.participants.some(({ context: { identity } }) =>
      identity.certificate.accountKey.join() === owner
    );
    if (!known) return;
    const pending = as(await joinExternally(this.#groupInfo, { ...context, now }), "pending");
    const entry = joiner ?? { context, group: pending.next };
    if (joiner === undefined) this.participants.push(entry);
    await this.#spread(pending, entry);
  }

  async step(): Promise<void> {
    const choice = this.#random(6);
    if (this.participants.length < 3 || (choice < 2 && this.participants.length < 11)) {
      return await this.add(1 + this.#random(2));
    }
    if (choice === 2) return await this.renew();
    if (choice === 3) return await this.join(true);
    if (choice === 4 && this.participants.length < 11) return await this.join(false);
    return await this.remove();
  }

  /** All see the same group, and a message reaches everybody. */
  async check(): Promise<void> {
    const sender = this.#pick();
    const sent = await sender.group.encrypt(new Uint8Array([1, 2, 3]));
    for (const each of this.participants) {
      assert.deepEqual(each.group.epochAuthenticator, sender.group.epochAuthenticator);
      assert.equal(each.group.members().length, this.participants.length);
      if (each === sender) continue;
      each.group = reloaded((await received(each.group, sent.message)).group, each.context);
    }
    sender.group = sent.group;
  }
}

Deno.test("a group that many devices change at random stays one group", async () => {
  const seed = testSeed();
  console.log(`  seed ${seed}`);
  const crowd = new Crowd(seed);
  await crowd.begin();
  for (let step = 0; step < 30; step++) {
    await crowd.step();
    await crowd.check();
  }
});

/** Linked servers with people on them: real processes, real links, and engines in the test's own process. */
import assert from "node:assert/strict";
import type { ChatMessage, Engine, EngineEvent, Target } from "../../client/engine/api.ts";
import type { GroupInfo } from "../../client/engine/api_groups.ts";
import {
  type DeviceFacts,
  engineFor,
  type EngineOptions,
  newDevice,
} from "../client/engine/kit.ts";
import { House, linkHouses } from "../server/federation/kit.ts";
import { eventually } from "./eventually.ts";
import { newAccount, type TestAccount } from "./wire_client.ts";

export { eventually };

/** Longer than anything takes on a busy machine, in ms. */
const patienceMs = 60_000;

/** Servers that are all linked with each other, and the engines of their people. */
export class Neighbours implements AsyncDisposable {
  readonly #houses = new Map<string, House>();
  readonly #accounts = new Map<string, TestAccount>();
  readonly #engines: Engine[] = [];
  /** What each engine has told a person. */
  readonly warnings = new Map<Engine, string[]>();
  #devices = 0;

  /** Starts a server of each name and links them all. */
  static async make(names: readonly string[], ...flags: string[]): Promise<Neighbours> {
    const made = new Neighbours();
    for (const name of names) made.#houses.set(name, await House.start(name, ...flags));
    const all = [...made.#houses.values()];
    for (const [at, house] of all.entries()) {
      for (const other of all.slice(at + 1)) await linkHouses(house, other);
    }
    return made;
  }

  /** The server of that name. */
  house(name: string): House {
    const found = this.#houses.get(name);
    if (found === undefined) throw new Error(`there is no house ${name}`);
    return found;
  }

  /** A new device of `name@house`; a further one when the account is there already. */
  async device(address: string): Promise<DeviceFacts> {
    const [name = "", at = ""] = address.split("@");
    const known = this.#accounts.get(address);
    const account = known ?? newAccount(name);
    this.#accounts.set(address, account);
    this.#devices += 1;
    const house = this.house(at);
    const folder = `${house.home.path}/device${this.#devices}`;
    const enrol = known !== undefined;
    return await newDevice(await house.server.pinned(), { folder, account, enrol });
  }

  /** An engine that is connected and has caught up. */
  async open(facts: DeviceFacts, options: EngineOptions = {}): Promise<Engine> {
    const engine = engineFor(facts, options);
    this.#engines.push(engine);
    const warned: string[] = [];
    this.warnings.set(engine, warned);
    engine.subscribe((event) => {
      if (event.kind === "warning") warned.push(event.text);
    });
    await engine.start({ receive: true, keepTrying: false });
    await engine.caughtUp(AbortSignal.timeout(patienceMs));
    return engine;
  }

  /** A new device of `name@house`, online. */
  async online(address: string, options: EngineOptions = {}): Promise<Engine> {
    return await this.open(await this.device(address), options);
  }

  /** Ends the link between two servers, or lets it come again; resolves when both know it. */
  async link(a: string, b: string, linked: boolean): Promise<void> {
    const told = [this.house(a), this.house(b)].map((house) =>
      house.says(linked ? /peer linked/ : /peer link ended/)
    );
    await this.house(a).ask(linked ? "peer.resume" : "peer.pause", { name: b });
    await Promise.all(told);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#engines) await engine.stop({ drainMs: 0 });
    for (const house of this.#houses.values()) await house[Symbol.asyncDispose]();
  }
}

/** A private conversation. */
export const direct = (name: string): Target => ({ kind: "direct", name });

/** A group. */
export const group = (name: string) => ({ kind: "group", name }) as const;

/** The message with that text, here or still to come. */
export async function arrives(engine: Engine, text: string): Promise<ChatMessage> {
  return await eventually(
    engine,
    async () => (await engine.history({})).find((one) => one.text === text),
    `the message ${text}`,
  );
}

/** Sends it and waits until everybody has it, under the names by which each knows the sender. */
export async function heard(
  from: Engine,
  target: Target,
  text: string,
  by: readonly (readonly [Engine, string])[],
): Promise<void> {
  await from.send(target, text);
  for (const [engine, shown] of by) {
    const { from: author } = await arrives(engine, text);
    assert.equal(author, shown, `${text} as ${engine.self.name} sees it`);
  }
}

/** The group as the engine knows it, once it is as it should be. */
export async function groupAs(
  engine: Engine,
  name: string,
  fits: (info: GroupInfo) => boolean,
): Promise<GroupInfo> {
  return await eventually(
    engine,
    async () => (await engine.groups.list()).find((one) => one.name === name && fits(one)),
    `the group ${name} of ${engine.self.name}`,
  );
}

/** Members' names, in order. */
export const members = (info: GroupInfo): string =>
  info.members.map(({ name }) => name).sort().join(" ");

/** The first event that fits, from now on. */
export function next(engine: Engine, fits: (event: EngineEvent) => boolean): Promise<EngineEvent> {
  return new Promise((resolve, reject) => {
    const stop = engine.subscribe((event) => {
      if (fits(event)) queueMicrotask(() => (stop(), resolve(event)));
    });
    const late = () => (stop(), reject(new Error("no such event came")));
    AbortSignal.timeout(patienceMs).addEventListener("abort", late, { once: true });
  });
}

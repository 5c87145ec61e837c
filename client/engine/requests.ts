/** Strangers: answering their requests, blocking accounts. */
import { AppError } from "../../lib/base/errors.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import type { Thread } from "../store/threads.ts";
import type { BlockedAccount } from "../store/blocked.ts";
import type { Target } from "./api.ts";
import type { BlockedInfo, RequestsApi } from "./api_groups.ts";
import type { Conversations } from "./conversations.ts";
import type { Core } from "./core.ts";
import { takeUp } from "./take_up.ts";
import { findGroup } from "./group_names.ts";
import { splitAddress } from "./address.ts";

/** Pages of a list that are read at most: a server that never ends it does not keep this client for ever. */
const mostPages = 1_000;

/** An account's name as it was typed, without a mark in front. */
function plain(name: string): string {
  return name.replace(/^@/, "");
}

/** Requests and blocking of an engine. */
export class Requests implements RequestsApi {
  readonly #core: Core;
  readonly #conversations: Pick<Conversations, "list" | "rejoin">;

  constructor(core: Core, conversations: Pick<Conversations, "list" | "rejoin">) {
    this.#core = core;
    this.#conversations = conversations;
  }

  async answer(target: Target, answer: "accept" | "decline"): Promise<void> {
    const thread = this.#find(target);
    const { conversation } = thread;
    const { server, changed } = this.#core;
    if (!thread.request || conversation === undefined) {
      if (answer === "accept" && thread.kind === "direct" && conversation !== undefined) {
        return await this.#acceptAfterAll(thread, conversation);
      }
      const again = thread.kind === "group" ? "; only somebody who is in it can add you" : "";
      throw new AppError("not_found", { text: `${thread.title} is no request${again}` });
    }
    await server.request({ type: "conversation.answer", conversation, answer });
    this.settle(thread, answer === "accept" ? "active" : "declined");
    changed();
  }

  /** What was declined before. Rows that came meanwhile are lost to this device, which joins anew. */
  async #acceptAfterAll(
    { thread, epoch, title }: Thread,
    conversation: string,
  ): Promise<void> {
    const listed = (await this.#conversations.list())
      .find((one) => one.conversation === conversation);
    if (listed?.state !== "declined") {
      throw new AppError("not_found", { text: `${title} is no request` });
    }
    await takeUp(this.#core, thread);
    await this.#conversations.rejoin(thread, epoch);
    this.#core.changed();
  }

  /** Notes how the account stands to a conversation now. */
  settle({ thread }: Thread, state: "active" | "request" | "declined" | "left"): void {
    const { sealed, threads, messages } = this.#core;
    sealed.database.transaction(() => {
      const row = threads.get(thread);
      if (row === undefined) return;
      threads.setRequest(thread, state === "request");
      // Nothing of what was declined waits to be read any more.
      if (state === "declined" || state === "left") {
        messages.markRead(thread, { local: messages.lastLocal(), now: this.#core.clock.now() });
      }
      if (row.kind !== "group" || state === "request") return;
      const facts = threads.groups.get(thread);
      const gone = state === "declined" || state === "left";
      const { kind } = facts.standing;
      if (kind !== "active" && kind !== "request") return;
      threads.setGroup(row, { ...facts, standing: { kind: gone ? "leaving" : "active" } });
    });
  }

  async block(name: string): Promise<string> {
    const there = await this.#serverNamed(name);
    if (there !== undefined) return await this.#blockServer(there);
    const { people, own, server, clock } = this.#core;
    const keys = await people.keysOf({ name: plain(name) });
    if (keys.account === own.account) {
      throw new AppError("not_permitted_now", { text: "nobody blocks themselves" });
    }
    await server.request({ type: "account.block", account: keys.account });
    const one = { account: keys.account, name: keys.name, since: clock.now() };
    this.#keep([...this.#others(keys.account), one]);
    const { threads } = this.#core;
    const thread = threads.byName(keys.name);
    const asks = thread !== undefined && threads.family(thread).some(({ request }) => request);
    if (asks) await this.answer({ kind: "direct", name: keys.name }, "decline");
    return keys.name;
  }

  async unblock(name: string): Promise<string> {
    const there = await this.#serverNamed(name);
    if (there !== undefined) return await this.#unblockServer(there);
    const wanted = plain(name);
    const known = this.#core.blocked.all().find((one) =>
      one.name.toLowerCase() === wanted.toLowerCase()
    );
    const account = known?.account ?? (await this.#core.people.keysOf({ name: wanted })).account;
    await this.#core.server.request({ type: "account.unblock", account });
    this.#keep(this.#others(account));
    return known?.name ?? wanted;
  }

  /** The linked or blocked server that `@name` means; undefined where it means an account. */
  async #serverNamed(name: string): Promise<string | undefined> {
    if (!name.startsWith("@")) return undefined;
    const wanted = canonicalName(name.slice(1));
    const { blocked, server } = this.#core;
    if (blocked.all().some((one) => one.server === wanted)) return wanted;
    const { message: { servers } } = await server.request({ type: "directory.servers" });
    return servers.some((one) => one.name === wanted) ? wanted : undefined;
  }

  async #blockServer(there: string): Promise<string> {
    const { server, clock, threads } = this.#core;
    await server.request({ type: "server.block", server: there });
    const one = { server: there, name: `@${there}`, since: clock.now() };
    this.#keep([...this.#core.blocked.all().filter((each) => each.server !== there), one]);
    const waiting = threads.all().filter(({ request, kind, title }) =>
      request && kind === "direct" && splitAddress(title)?.server === there
    );
    for (const name of new Set(waiting.map(({ title }) => title))) {
      await this.answer({ kind: "direct", name }, "decline");
    }
    return one.name;
  }

  async #unblockServer(there: string): Promise<string> {
    await this.#core.server.request({ type: "server.unblock", server: there });
    this.#keep(this.#core.blocked.all().filter((each) => each.server !== there));
    return `@${there}`;
  }

  async blocked(): Promise<readonly BlockedInfo[]> {
    await this.refresh();
    return this.#core.blocked.all();
  }

  /** Asks the server whom this account has blocked: perhaps from another device. */
  async refresh(): Promise<void> {
    const list: BlockedAccount[] = [];
    const servers: BlockedAccount[] = [];
    for (let page = 0; page < mostPages; page++) {
      const after = list.at(-1)?.account;
      const { message } = await this.#core.server.request({
        type: "account.blocks",
        ...(after === undefined ? {} : { after }),
      });
      list.push(...message.blocked);
      servers.push(
        ...(message.servers ?? []).map((one) => ({ ...one, name: `@${one.server}` })),
      );
      if (!message.more || message.blocked.length === 0) break;
    }
    const before = this.#core.blocked.all();
    const now = [...list, ...servers];
    const same = before.length === now.length &&
      now.every(({ account, server }) =>
        before.some((one) => one.account === account && one.server === server)
      );
    if (!same) this.#keep(now);
  }

  #others(account: string): readonly BlockedAccount[] {
    return this.#core.blocked.all().filter((one) => one.account !== account);
  }

  #keep(list: readonly BlockedAccount[]): void {
    const { sealed, blocked, changed } = this.#core;
    sealed.database.transaction(() => blocked.put(list));
    changed();
  }

  #find(target: Target): Thread {
    const { threads } = this.#core;
    if (target.kind === "group") return findGroup(threads, target);
    const first = target.kind === "direct" ? threads.byName(target.name) : undefined;
    const found = first && (threads.family(first).find(({ request }) => request) ?? first);
    if (found !== undefined) return found;
    throw new AppError("not_found", { text: "there is no such request" });
  }
}

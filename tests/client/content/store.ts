/** A store with one conversation, to give content to its handlers without a server. */
import { randomId } from "../../../lib/base/ids.ts";
import { silentLogger } from "../../../lib/base/log.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import type { Core } from "../../../client/engine/core.ts";
import type { Effect } from "../../../client/engine/content/facts.ts";
import type { Draft } from "../../../client/engine/content/kinds.ts";
import { takeContent } from "../../../client/engine/content/take.ts";
import { Blocked } from "../../../client/store/blocked.ts";
import { Messages } from "../../../client/store/messages.ts";
import { Outbox } from "../../../client/store/outbox.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { sealerOf } from "../../../client/store/seal.ts";
import { Threads } from "../../../client/store/threads.ts";
import { TempFolder } from "../../kit/folder.ts";
import { ManualClock } from "../../wire/kit.ts";

/** Accounts of the conversation, and one that only pretends. */
export const accounts = { alice: randomId(), bobby: randomId(), eve: randomId() } as const;

/** Who says something. */
export type Name = keyof typeof accounts;

/** The store of bobby's only device. */
export class Shelf {
  readonly clock = new ManualClock();
  readonly core: Core;
  readonly thread: number;
  readonly #temp: TempFolder;
  #seq = 0;

  private constructor(temp: TempFolder) {
    this.#temp = temp;
    const database = openDatabase(`${temp.path}/profile.db`, { migrations: profileMigrations });
    const sealed = { database, ...sealerOf(new Uint8Array(32)) };
    // What handlers do not use is not there.
    this.core = {
      own: { account: accounts.bobby, name: "bobby", device: "bobby's" },
      sealed,
      clock: this.clock,
      logger: silentLogger,
      threads: new Threads(sealed),
      messages: new Messages(sealed),
      outbox: new Outbox(sealed),
      blocked: new Blocked(sealed),
      warn: () => undefined,
      kick: () => undefined,
      changed: () => undefined,
    } as unknown as Core;
    this.thread = database.transaction(() => this.core.threads.obtain("alice").thread);
  }

  /** An empty one. */
  static async make(): Promise<Shelf> {
    return new Shelf(await TempFolder.make());
  }

  /** Content arrives; returns its id. */
  hear(
    from: Name,
    draft: Draft,
    options: { readonly id?: string; readonly ts?: number; readonly expireAfter?: number } = {},
  ): string {
    this.tell(from, draft, options);
    return this.#last;
  }

  /** The same, for its effects. */
  tell(
    from: Name,
    draft: Draft,
    options: { readonly id?: string; readonly ts?: number; readonly expireAfter?: number } = {},
  ): readonly Effect[] {
    const { id = randomId(), ts = this.clock.now(), expireAfter } = options;
    this.#last = id;
    const stays = expireAfter === undefined ? {} : { expireAfter };
    const taken = takeContent(
      { content: { id, sentAt: ts, ...draft, ...stays }, signed: { content: "", signature: "" } },
      {
        id,
        thread: this.thread,
        seq: ++this.#seq,
        ts,
        own: from === "bobby",
        from: { account: accounts[from], name: from, device: `${from}'s` },
      },
      this.clock.now(),
    );
    if (taken.kind === "unreadable") return [];
    return this.core.sealed.database.transaction(() => taken.store(this.core));
  }

  #last = "";

  /** The message of that id. */
  get(id: string) {
    return this.core.messages.inThread(this.thread, id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.core.sealed.database.close();
    await this.#temp[Symbol.asyncDispose]();
  }
}

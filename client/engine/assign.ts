/** Finding the thread of a conversation that somebody else made. */
import { AppError } from "../../lib/base/errors.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { Thread } from "../store/threads.ts";
import type { Core } from "./core.ts";

type Row = Message<"message" | "commit" | "welcome" | "rollback" | "recreated">;

/**
 * The thread that has taken on the conversation; undefined when it just did, and everything is to be looked at again.
 * Rejects with `tampered` when the conversation is a second one with the same account, and with what stands against the
 * partner's keys.
 */
export async function assignThread(
  core: Core,
  options: {
    readonly conversation: string;
    readonly messages: readonly Row[];
    /** Asks for the verdict on the thread's pending change. */
    readonly resolve: (thread: number) => Promise<unknown>;
    /** What the server lists it as. */
    readonly kindOf: (conversation: string) => Promise<"direct" | "group" | undefined>;
  },
): Promise<Thread | undefined> {
  const { conversation, messages, resolve } = options;
  if (await isGroup(options)) {
    const { threads, sealed } = core;
    return sealed.database.transaction(() => threads.obtainGroup(conversation));
  }
  const account = partnerOf(core.own.account, messages);
  const { name, server } = await core.people.keysOf({ account });
  const { threads, sealed } = core;
  const thread = sealed.database.transaction(() => {
    const { thread } = threads.obtain(name);
    threads.setPartner(thread, { name, account });
    return threads.get(thread);
  });
  if (thread === undefined) throw new AppError("internal", { fault: "us" });
  if (thread.conversation === conversation) return thread;
  // Perhaps this device was about to make the same conversation, and lost.
  if (thread.hasPending) await resolve(thread.thread);
  sealed.database.transaction(() =>
    occupy(core, thread.thread, { conversation, elsewhere: server !== undefined })
  );
  return undefined;
}

/** A welcome says what it leads to; without one the server's list has to. */
async function isGroup(
  { conversation, messages, kindOf }: Parameters<typeof assignThread>[1],
): Promise<boolean> {
  const welcome = messages.find((message) => message.type === "welcome");
  const kind = welcome?.type === "welcome" ? welcome.kind : await kindOf(conversation);
  return kind === "group";
}

function partnerOf(own: string, messages: readonly Row[]): string {
  const accounts = messages.flatMap((message) =>
    message.type === "welcome" ? message.roster.map(({ account }) => account) : [message.account]
  );
  const others = new Set(accounts.filter((account) => account !== own));
  if (others.size > 1) throw new AppError("roster_mismatch");
  const [account = own] = others;
  return account;
}

/**
 * Makes the conversation that of the thread, or where the account's own server has made one at the same moment as this one,
 * that of a second thread. In the caller's transaction. Throws `AppError("tampered")` for any further one.
 */
export function occupy(
  { threads }: Pick<Core, "threads">,
  id: number,
  { conversation, elsewhere }: { readonly conversation: string; readonly elsewhere: boolean },
): Thread | undefined {
  const thread = threads.get(id);
  if (thread === undefined || thread.conversation === conversation) return thread;
  if (thread.conversation === undefined) {
    threads.compareAndSet(id, thread.version, { conversation, cursor: 0 });
    return threads.get(id);
  }
  const known = threads.family(thread).find((one) => one.conversation === conversation);
  if (known !== undefined) return known;
  if (!elsewhere || threads.family(thread).length > 1) {
    throw new AppError("tampered", {
      text:
        `the server shows ${elsewhere ? "one conversation too many" : "a second conversation"} ` +
        `with ${thread.title}`,
    });
  }
  return threads.obtainTwin(thread, conversation);
}

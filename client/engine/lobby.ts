/** The lobby: signed posts that everybody sees, kept by the server and replayed. */
import { fromBase64url, toBase64url, utf8 } from "../../lib/base/bytes.ts";
import { reach } from "../../lib/base/crashpoint.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { clientLimits } from "../../lib/base/limits.ts";
import { signLobbyPost, verifyLobbyPost } from "../../lib/crypto/lobby_post.ts";
import { VerifyingKey } from "../../lib/crypto/sign.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { NewMessage } from "../store/messages.ts";
import type { Outgoing } from "../store/outbox.ts";
import { lobbyName, type Thread } from "../store/threads.ts";
import { type AccountKeys, type Core, isTemporary } from "./core.ts";
import { splitAddress } from "./address.ts";

type Post = Message<"lobby">;

/** Posts of one fetch. */
const fetchPosts = 64;

/** The lobby of an engine. */
export class Lobby {
  readonly #core: Core;
  /** Posts that arrived and are not stored, by sequence. */
  readonly #arrived = new Map<number, Post>();
  readonly #verifying = new Map<string, VerifyingKey>();
  #scheduled: Promise<void> | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /** The lobby's thread. */
  thread(): Thread {
    const { sealed, threads } = this.#core;
    return threads.byName(lobbyName) ??
      sealed.database.transaction(() => threads.obtain(lobbyName));
  }

  /** Takes a post, live or fetched. */
  take(post: Post): void {
    this.#arrived.set(post.seq, post);
    this.#scheduled ??= this.#soon();
  }

  /** Resolves when what has arrived so far has been looked at. */
  async settled(): Promise<void> {
    await this.#scheduled;
  }

  /** Fetches and stores everything after the cursor. */
  catchUp(): Promise<void> {
    return this.#core.locks.run("lobby", async () => {
      let wentBack = false;
      for (let more = true; more;) {
        const after = this.thread().cursor;
        const request = { type: "lobby.fetch", after, limit: fetchPosts } as const;
        const { message } = await this.#core.server.request(request);
        if (message.head < after) {
          if (wentBack) throw new AppError("tampered", { text: "the lobby ends here and there" });
          wentBack = true;
          this.#goBack(after, message.head);
          more = true;
          continue;
        }
        const known = [...this.#arrived.keys()].filter((seq) => seq > after).sort((a, b) => a - b);
        const last = known[fetchPosts - 1] ?? known.at(-1) ?? after;
        more = message.more && last > after;
        await this.#store(more ? last : Math.max(message.head, after));
      }
    });
  }

  /** The server told of posts that do not exist, or was put back to a backup: the cursor returns to what is here. */
  #goBack(from: number, head: number): void {
    const { threads, messages, warn } = this.#core;
    const { thread } = this.thread();
    threads.goBack(thread, { from, to: messages.lastUpTo(thread, head) });
    warn(
      "the server's lobby ends before what it showed earlier: it was put back to a backup, or it lied",
    );
  }

  /** What arrived live: stored when nothing is missing before it, else everything is fetched. */
  async #soon(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#scheduled = undefined;
    try {
      const complete = await this.#core.locks.run("lobby", async () => {
        const { thread, cursor } = this.thread();
        // A post behind the cursor that is not here: the cursor is where it should not be.
        const hidden = [...this.#arrived.values()].some(({ seq, post }) =>
          seq <= cursor && this.#core.messages.inThread(thread, post) === undefined
        );
        if (hidden) return false;
        let through = cursor;
        while (this.#arrived.has(through + 1)) through += 1;
        await this.#store(through);
        return this.#arrived.size === 0;
      });
      if (!complete) await this.catchUp();
    } catch (thrown) {
      // The posts stay at the server; the next connection or the next post fetches them.
      this.#core.logger.log("info", "lobby_kept_waiting", { code: asAppError(thrown).code });
    }
  }

  /** Stores what has arrived up to a sequence, below which nothing is missing. */
  async #store(through: number): Promise<void> {
    const { sealed, threads, messages } = this.#core;
    const thread = this.thread();
    const posts = [...this.#arrived.values()].filter(({ seq }) => seq <= through)
      .sort((a, b) => a.seq - b.seq);
    const added: NewMessage[] = [];
    for (const post of posts) {
      if (post.seq > thread.cursor) added.push(await this.#checked(thread.thread, post));
    }
    if (added.length > 0 || through > thread.cursor) {
      sealed.database.transaction(() => {
        for (const message of added) this.#put(message);
        threads.advance(thread.thread, through);
      });
    }
    for (const { seq } of posts) this.#arrived.delete(seq);
    if (messages.revision() > 0) this.#core.changed();
  }

  /** Own posts are in the store already: their coming back says that the server has them. */
  #put(message: NewMessage): void {
    const { messages, outbox } = this.#core;
    if (messages.add(message) !== undefined || message.seq === undefined) return;
    const known = messages.inThread(message.thread, message.id);
    if (known?.own !== true || message.unreadable) return;
    messages.sent(known.local, { seq: message.seq, ts: message.ts });
    outbox.remove(known.local);
  }

  /** The post as it is to be shown: as it is when its signature holds, else as unreadable. */
  async #checked(thread: number, post: Post): Promise<NewMessage> {
    const { own } = this.#core;
    const wrong = await this.#wrong(post);
    const isOwn = post.account === own.account && wrong === undefined;
    const text = wrong === undefined ? post.text : `a post could not be verified: ${wrong}`;
    if (wrong !== undefined) {
      this.#core.warn(`a post in the lobby, said to be by ${post.name}, is not shown: ${wrong}`);
    }
    return {
      thread,
      id: post.post,
      seq: post.seq,
      own: isOwn,
      unreadable: wrong !== undefined,
      unread: !isOwn,
      state: isOwn ? "sent" : "received",
      ts: post.ts,
      sentAt: post.sentAt,
      content: wrong === undefined
        ? { from: post.name, text, signed: signedPost(post) }
        : { from: post.name, text },
    };
  }

  async #wrong(post: Post): Promise<string | undefined> {
    try {
      const keys = await this.#keysFor(post);
      if (keys.account !== post.account || keys.name !== post.name) return "its name is another's";
      const certified = keys.devices.find(({ deviceKey }) =>
        toBase64url(deviceKey) === post.device
      );
      if (certified === undefined) return "it is by a device that the account does not know";
      const revoked = keys.revocations.find(({ deviceKey }) =>
        toBase64url(deviceKey) === post.device
      );
      if (revoked !== undefined && revoked.revokedAt < post.ts) return "its device was removed";
      const key = this.#verifyingKey(post.device, certified.deviceKey);
      const holds = verifyLobbyPost(key, fromBase64url(post.signature), post);
      return holds ? undefined : "its signature does not hold";
    } catch (thrown) {
      if (thrown instanceof TypeError) return "its signature cannot be read";
      if (thrown instanceof AppError && !isTemporary(thrown)) return thrown.message;
      // What is behind this post cannot wait until another server comes back, which may be never.
      if (thrown instanceof AppError && thrown.code === "server_away") return thrown.message;
      throw thrown;
    }
  }

  /** Asked again when the device is not among the known ones: it may be new. */
  async #keysFor(post: Post): Promise<AccountKeys> {
    const server = splitAddress(post.name)?.server;
    const who = { account: post.account, ...(server === undefined ? {} : { server }) };
    const keys = await this.#core.people.keysOf(who);
    const known = keys.devices.some(({ deviceKey }) => toBase64url(deviceKey) === post.device);
    return known ? keys : await this.#core.people.keysOf(who, { fresh: true });
  }

  #verifyingKey(device: string, bytes: Uint8Array): VerifyingKey {
    const known = this.#verifying.get(device);
    if (known !== undefined) return known;
    const made = new VerifyingKey(bytes);
    this.#verifying.set(device, made);
    return made;
  }

  /** Posts everything that waits. Rejects with the first temporary failure. */
  async postAll(thread: Thread): Promise<void> {
    for (;;) {
      const rows = this.#core.outbox.waiting(thread.thread, clientLimits.outboxBatch);
      if (rows.length === 0) return;
      const posting = rows.map((row) => this.#post(row));
      this.#core.clock.after(0, () => reach("client:sent"));
      const results = await Promise.allSettled(posting);
      const failed = results.find((one) => one.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  async #post(row: Outgoing): Promise<void> {
    const { own, messages, outbox, server, sealed, threads } = this.#core;
    const message = messages.get(row.local);
    if (message === undefined) return;
    const { id: post, sentAt, content: { text } } = message;
    const signature = toBase64url(signLobbyPost(own.identity.device, { post, sentAt, text }));
    try {
      const reply = await server.request({ type: "lobby.post", post, text, sentAt, signature });
      const stored = {
        ...message.content,
        signed: signedPost({ text, signature, device: own.device }),
      };
      sealed.database.transaction(() => {
        messages.setContent(message, stored);
        messages.sent(row.local, reply.message);
        outbox.remove(row.local);
        threads.passOwn(row.thread, reply.message.seq);
      });
      reach("client:accepted");
    } catch (thrown) {
      const error = asAppError(thrown);
      if (isTemporary(error)) throw error;
      sealed.database.transaction(() => {
        messages.failed(row.local, { code: error.code, text: error.message });
        outbox.remove(row.local);
      });
    }
    this.#core.changed();
  }
}

/** What a receipt of a post is made of. */
function signedPost(post: Pick<Post, "text" | "signature" | "device">) {
  const { text, signature, device } = post;
  return { content: toBase64url(utf8(text)), signature, device };
}

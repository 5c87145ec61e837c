/** Which linked servers cannot be reached just now, and what waits for them, as far as one's own server has told. */
import type { Message } from "../../lib/wire/messages.ts";
import type { Thread } from "../store/threads.ts";
import { splitAddress } from "./address.ts";

/** What a list says of one conversation. */
type Listed = Pick<
  Message<"conversation.list.ok">["conversations"][number],
  "conversation" | "hub" | "hubAway"
>;

/** The links of one's own server as this engine knows them. */
export class Links {
  /** Servers by their names here. */
  readonly #away = new Set<string>();
  /** The servers that order conversations; one's own has no name. */
  readonly #hubs = new Map<string, string | undefined>();

  /** As the server has just listed them. */
  listed(all: readonly Listed[]): void {
    for (const { conversation, hub, hubAway } of all) {
      this.#hubs.set(conversation, hub);
      if (hub !== undefined) this.link({ server: hub, linked: hubAway !== true });
    }
  }

  /** A link has come, or has gone. */
  link({ server, linked }: { readonly server: string; readonly linked: boolean }): void {
    if (linked) this.#away.delete(server);
    else this.#away.add(server);
  }

  /** Something could not be sent for want of a link. */
  refused(thread: Thread): void {
    const server = this.#needed(thread);
    if (server !== undefined) this.#away.add(server);
  }

  /** The server that orders the conversation; `server` is absent for one's own. Undefined when it is not known yet. */
  hubOf(conversation: string): { readonly server?: string } | undefined {
    if (!this.#hubs.has(conversation)) return undefined;
    const server = this.#hubs.get(conversation);
    return server === undefined ? {} : { server };
  }

  /** This account has made it: its own server orders it. */
  made(conversation: string): void {
    this.#hubs.set(conversation, undefined);
  }

  /** A new session: what was told before may not hold any more. */
  newSession(): void {
    this.#away.clear();
  }

  /** The server that is away and without which nothing can be sent in the thread now. */
  awayOf(thread: Thread): string | undefined {
    const server = this.#needed(thread);
    return server !== undefined && this.#away.has(server) ? server : undefined;
  }

  /** Whose server has to be there for sending: that of the conversation, or before there is one, the partner's. */
  #needed({ conversation, partner, joined }: Thread): string | undefined {
    const hub = conversation === undefined ? undefined : this.#hubs.get(conversation);
    if (hub !== undefined || joined) return hub;
    return partner === undefined ? undefined : splitAddress(partner.name)?.server;
  }
}

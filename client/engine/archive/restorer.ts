/** From batches of the archive into the profile: what is not here is added, what is newer there replaces what is here. */
import { equalBytes, fromBase64url } from "../../../lib/base/bytes.ts";
import type { ArchiveStore, EntryPlace } from "../../store/archive.ts";
import { Contacts } from "../../store/contacts.ts";
import { changeRestored, restoreMessage } from "../../store/restored.ts";
import type { Thread } from "../../store/threads.ts";
import type { Effect } from "../content/facts.ts";
import { applyEarly } from "../content/late.ts";
import type { Core } from "../core.ts";
import { isGroupName, isIn } from "../group_names.ts";
import type { ArchiveBatch, ArchivedContact, ArchivedConversation } from "./codec.ts";
import { contactRecord, digestOf, keyOf, type Record, recordsOf } from "./records.ts";

type MessageRecord = Extract<Record, { kind: "message" }>;
type SettingRecord = Extract<Record, { kind: "setting" }>;

/** Puts what the archive holds into the profile. */
export class Restorer {
  readonly #core: Core;
  readonly #store: ArchiveStore;
  readonly #contacts: Contacts;

  constructor(core: Core, store: ArchiveStore) {
    this.#core = core;
    this.#store = store;
    this.#contacts = new Contacts(core.sealed);
  }

  /**
   * Takes in everything of a batch that no later one has said something newer of, in the caller's transaction. What it
   * returns is to be followed after that.
   */
  restore(position: number, batch: ArchiveBatch): readonly Effect[] {
    const { sealed } = this.#core;
    const effects: Effect[] = [];
    const seen = new Set<string>();
    for (const record of inOrder(recordsOf(batch))) {
      const key = keyOf(sealed, record);
      const name = `${key.scope}:${key.id}`;
      if (seen.has(name)) continue;
      seen.add(name);
      const place = this.#store.entry(key);
      if (place !== undefined && place.position > position) continue;
      const digest = digestOf(sealed, record);
      effects.push(...this.#apply(record, { place, digest }));
      const asOf = record.kind === "message" ? record.asOf : 0;
      this.#store.setEntry(key, { position, digest, asOf });
    }
    // What was in an earlier revision of this batch and went nowhere else is in the archive no more.
    for (const key of this.#store.entriesAt(position)) {
      if (!seen.has(`${key.scope}:${key.id}`)) this.#store.removeEntry(key);
    }
    return effects;
  }

  #apply(
    record: Record,
    was: { readonly place: EntryPlace | undefined; readonly digest: Uint8Array },
  ): readonly Effect[] {
    const { place, digest } = was;
    // Written by this device, or seen before.
    if (place !== undefined && equalBytes(place.digest, digest)) return [];
    if (record.kind === "message") return this.#message(record, place);
    if (record.kind === "contact") this.#contact(record, place);
    else this.#setting(record, place);
    return [];
  }

  #message(record: MessageRecord, place: EntryPlace | undefined): readonly Effect[] {
    const { conversation, id, seq, ts, sentAt, own, content } = record;
    if (this.#store.kept(conversation.id) === false) return [];
    const thread = this.#thread(conversation);
    if (thread === undefined) return [];
    // Numbers of another conversation with the same person mean nothing in this one.
    const here = thread.conversation === undefined || thread.conversation === conversation.id;
    const row = {
      thread: thread.thread,
      id,
      ...(here ? { seq } : {}),
      own,
      unread: !own && here && seq > thread.readMark && this.#isIn(thread),
      state: own ? stateOf(thread, seq) : "received",
      ts,
      sentAt,
      content,
    } as const;
    const restored = restoreMessage(this.#core.sealed, row);
    const outdated = restored === "known" && place !== undefined && place.asOf <= record.asOf;
    if (restored === "unreadable" || outdated) {
      changeRestored(this.#core.sealed, row, { evenIfLive: restored === "unreadable" });
    }
    return restored === "known" ? [] : applyEarly(this.#core, thread.thread, id);
  }

  #isIn({ kind, thread }: Thread): boolean {
    return kind !== "group" || isIn(this.#core.threads.groups.get(thread));
  }

  #thread(conversation: ArchivedConversation): Thread | undefined {
    const { threads } = this.#core;
    const { id, kind, name, account } = conversation;
    const known = threads.byConversation(id);
    if (known !== undefined || name === "") return known;
    if (kind === "group") return this.#group(id, name);
    const thread = threads.obtain(name);
    if (account === undefined || thread.partner?.account !== undefined) return thread;
    threads.setPartner(thread.thread, { name, account });
    return threads.get(thread.thread);
  }

  /** A group that nobody else has told of yet, under the name that it had when this was archived. */
  #group(id: string, title: string): Thread {
    const { threads } = this.#core;
    const thread = threads.obtainGroup(id);
    const name = title.slice(1);
    if (!title.startsWith("#") || title === thread.title || !isGroupName(name)) return thread;
    threads.setGroup(thread, { ...threads.groups.get(thread.thread), name });
    return threads.get(thread.thread) ?? thread;
  }

  #contact(record: ArchivedContact, place: EntryPlace | undefined): void {
    const { account, name, verified } = record;
    const accountKey = fromBase64url(record.accountKey);
    const local = this.#contacts.byAccount(account) ?? this.#contacts.byName(name);
    if (local === undefined) {
      return this.#contacts.put({ account, name, accountKey, verified });
    }
    if (local.account === account && equalBytes(local.accountKey, accountKey)) {
      const untouched = place !== undefined &&
        equalBytes(place.digest, digestOf(this.#core.sealed, contactRecord(local)));
      if (!untouched && (place !== undefined || local.verified)) return;
      return this.#contacts.put({ ...local, verified });
    }
    // Another device has compared another key than the one that was first seen here.
    if (!verified || local.verified) return;
    const offered = { account: local.account, accountKey: local.accountKey };
    this.#contacts.put({ account, name, accountKey, verified, offered });
    this.#core.warn(
      `the key of ${name} is not the one that was verified on another device of yours: look at it`,
    );
  }

  #setting(record: SettingRecord, place: EntryPlace | undefined): void {
    const { conversation, kept } = record;
    const local = this.#store.kept(conversation.id);
    if (local === kept) return;
    // Said here and not archived yet: that is newer.
    if (local !== undefined && place === undefined) return;
    this.#store.setKept(conversation.id, kept);
    if (kept) this.#store.setScanned(-1);
  }
}

/** What is said of conversations first, because the rest goes by it; of two about the same the later one first. */
function inOrder(records: readonly (Record | undefined)[]): Record[] {
  const known = records.filter((record) => record !== undefined).reverse();
  const settings = known.filter(({ kind }) => kind === "setting");
  return [...settings, ...known.filter(({ kind }) => kind !== "setting")];
}

function stateOf(thread: Thread, seq: number): "read" | "delivered" | "sent" {
  if (seq <= thread.peerRead) return "read";
  return seq <= thread.peerDelivered ? "delivered" : "sent";
}

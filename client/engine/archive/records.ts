/** From what the profile keeps to what stands in the archive, and back. */
import { fromBase64url, fromUtf8, toBase64url, utf8 } from "../../../lib/base/bytes.ts";
import type { SealedDatabase } from "../../store/sealed.ts";
import type { EntryKey } from "../../store/archive.ts";
import type { Contact } from "../../store/contacts.ts";
import type { MessageContent } from "../../store/message_content.ts";
import type { StoredMessage } from "../../store/messages.ts";
import type { Thread } from "../../store/threads.ts";
import {
  type ArchiveBatch,
  type ArchivedContact,
  type ArchivedConversation,
  type ArchivedMessage,
  type ArchiveEntry,
  canonicalJson,
} from "./codec.ts";

/** Something to archive: what it is about, and its state. */
export type Record =
  | {
    readonly kind: "message";
    readonly conversation: ArchivedConversation;
    readonly id: string;
    readonly seq: number;
    readonly ts: number;
    readonly sentAt: number;
    readonly own: boolean;
    readonly asOf: number;
    readonly content: MessageContent;
  }
  | ArchivedContact
  | {
    readonly kind: "setting";
    readonly conversation: ArchivedConversation;
    readonly kept: boolean;
  };

/** The conversation of a thread as it stands in the archive; undefined when there is none to speak of. */
export function conversationOf(thread: Thread): ArchivedConversation | undefined {
  const { conversation: id, kind, title, partner } = thread;
  if (id === undefined || kind === "lobby") return undefined;
  const account = partner?.account;
  return { id, kind, name: partner?.name ?? title, ...(account === undefined ? {} : { account }) };
}

/** A message as it is to be archived; undefined for what is never archived. */
export function messageRecord(
  message: Omit<StoredMessage, "local" | "revision">,
  thread: Thread,
): Record | undefined {
  const conversation = conversationOf(thread);
  const { id, seq, ts, sentAt, own, unreadable, silent, state, content } = message;
  const unsent = state === "queued" || state === "failed";
  // What disappears is archived nowhere; lines about a group each device makes for itself.
  if (silent || message.expireAfter !== undefined || content.notice !== undefined) return undefined;
  if (conversation === undefined || seq === undefined || unreadable || unsent) return undefined;
  return {
    kind: "message",
    conversation,
    id,
    seq,
    ts,
    sentAt,
    own,
    asOf: Math.max(thread.cursor, seq),
    content,
  };
}

/** A contact as it is archived: while another key is offered in its place, with the one that was trusted. */
export function contactRecord({ account, name, accountKey, verified }: Contact): ArchivedContact {
  return { kind: "contact", account, name, accountKey: toBase64url(accountKey), verified };
}

/** What a record is about. Accounts are told apart by a keyed hash: the profile does not show whom it knows. */
export function keyOf(sealed: SealedDatabase, record: Record): EntryKey {
  switch (record.kind) {
    case "message":
      return { scope: record.conversation.id, id: record.id };
    case "contact":
      return { scope: "contact", id: toBase64url(sealed.tag(`archived:${record.account}`)) };
    case "setting":
      return { scope: "setting", id: record.conversation.id };
  }
}

/** A keyed hash of what the record says, 32 bytes: the same for the same state. */
export function digestOf(sealed: SealedDatabase, record: Record): Uint8Array {
  const state = record.kind === "message"
    ? { ...record, asOf: 0, conversation: record.conversation.id }
    : record.kind === "setting"
    ? { ...record, conversation: record.conversation.id }
    : record;
  return sealed.tag(`archive:${canonicalJson(state)}`);
}

/** The entries of a batch as records; undefined for those of kinds that this program does not know. */
export function recordsOf(batch: ArchiveBatch): (Record | undefined)[] {
  return batch.entries.map((entry) => recordOf(batch, entry));
}

function recordOf(batch: ArchiveBatch, entry: ArchiveEntry): Record | undefined {
  if (entry.kind === "unknown" || entry.kind === "contact") {
    return entry.kind === "contact" ? entry : undefined;
  }
  const conversation = batch.conversations[entry.conversation];
  if (conversation === undefined) return undefined;
  if (entry.kind === "setting") return { ...entry, conversation };
  return { ...entry, conversation, content: unpacked(entry.content, batch.certificates) };
}

/** A batch under construction: entries with the tables that they refer to. */
export class BatchBuilder {
  readonly #conversations: ArchivedConversation[];
  readonly #certificates: string[];
  readonly #entries: ArchiveEntry[];
  #bytes: number;

  constructor(base: Pick<ArchiveBatch, "conversations" | "certificates" | "entries">) {
    this.#conversations = [...base.conversations];
    this.#certificates = [...base.certificates];
    this.#entries = [...base.entries];
    this.#bytes = utf8(JSON.stringify(base)).length;
  }

  /** About how large it is, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#entries.length;
  }

  add(record: Record): void {
    const entry = this.#entry(record);
    this.#entries.push(entry);
    this.#bytes += utf8(JSON.stringify(entry)).length + 1;
  }

  get parts(): Pick<ArchiveBatch, "conversations" | "certificates" | "entries"> {
    return {
      conversations: this.#conversations,
      certificates: this.#certificates,
      entries: this.#entries,
    };
  }

  #entry(record: Record): ArchiveEntry {
    if (record.kind === "contact") return record;
    const conversation = this.#conversation(record.conversation);
    if (record.kind === "setting") return { ...record, conversation };
    return { ...record, conversation, content: this.#packed(record.content) };
  }

  #conversation(wanted: ArchivedConversation): number {
    const text = canonicalJson(wanted);
    const known = this.#conversations.findIndex((one) => canonicalJson(one) === text);
    if (known >= 0) return known;
    this.#bytes += text.length;
    return this.#conversations.push(wanted) - 1;
  }

  /** Without what can be found again: the certificate by its number, the text in what was signed. */
  #packed(content: MessageContent): ArchivedMessage["content"] {
    const { signed, text, ...rest } = content;
    if (signed === undefined) return { ...rest, text };
    const { certificate, ...signature } = signed;
    const said = saidIn(signed.content) === text ? {} : { text };
    const by = certificate === undefined ? {} : { certificate: this.#certificate(certificate) };
    return { ...rest, ...said, signed: { ...signature, ...by } };
  }

  #certificate(certificate: string): number {
    const known = this.#certificates.indexOf(certificate);
    if (known >= 0) return known;
    this.#bytes += certificate.length;
    return this.#certificates.push(certificate) - 1;
  }
}

/** A batch without some of its entries, and without the names of conversations that nothing is left of. */
export function without(batch: ArchiveBatch, isOut: (record: Record) => boolean): ArchiveBatch {
  const records = recordsOf(batch);
  const entries = batch.entries.filter((_, at) => {
    const record = records[at];
    return record === undefined || !isOut(record);
  });
  const used = new Set(
    entries.flatMap((entry) => "conversation" in entry ? [entry.conversation] : []),
  );
  const conversations = batch.conversations.map((one, at) => {
    const { id, kind } = one;
    return used.has(at) ? one : { id, kind, name: "" };
  });
  return { ...batch, entries, conversations };
}

function unpacked(
  packed: ArchivedMessage["content"],
  certificates: readonly string[],
): MessageContent {
  // What the account's own devices wrote, as it was kept there.
  const { signed, ...rest } = packed as unknown as Omit<MessageContent, "signed"> & {
    readonly signed?: { content: string; signature: string; certificate?: number; device?: string };
  };
  if (signed === undefined) return rest;
  const { certificate: number, ...signature } = signed;
  const certificate = number === undefined ? undefined : certificates[number];
  return {
    ...rest,
    text: rest.text ?? saidIn(signed.content) ?? "",
    signed: { ...signature, ...(certificate === undefined ? {} : { certificate }) },
  };
}

/** The text in signed content, if it is one. */
function saidIn(content: string): string | undefined {
  try {
    const { text } = JSON.parse(fromUtf8(fromBase64url(content)));
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

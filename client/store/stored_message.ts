/** Messages as the profile keeps them, one by one. */
import type { MessageContent } from "./message_content.ts";
import type { StoredState } from "./message_row.ts";

/** Why a message failed: the error code for programs, the text for people. */
export interface Problem {
  readonly code: string;
  readonly text: string;
}

/** One message of a thread. */
export interface StoredMessage {
  readonly local: number;
  readonly thread: number;
  readonly id: string;
  readonly revision: number;
  readonly seq: number | undefined;
  readonly own: boolean;
  readonly unreadable: boolean;
  /** Content that makes no line: in no list, no count, and told to nobody. */
  readonly silent: boolean;
  readonly unread: boolean;
  readonly state: StoredState;
  readonly ts: number;
  readonly sentAt: number;
  readonly deliveredAt: number | undefined;
  readonly readAt: number | undefined;
  readonly content: MessageContent;
  readonly problem: Problem | undefined;
  /** Milliseconds that it stays once it is sent or read; undefined: for ever. Such a message is never archived. */
  readonly expireAfter: number | undefined;
  /** When it goes; undefined while that is not decided. */
  readonly expiresAt: number | undefined;
}

/** A message to add. */
export interface NewMessage {
  readonly thread: number;
  readonly id: string;
  readonly seq?: number;
  readonly own: boolean;
  readonly unreadable?: boolean;
  readonly silent?: boolean;
  readonly unread: boolean;
  readonly state: StoredState;
  readonly ts: number;
  readonly sentAt: number;
  readonly content: MessageContent;
  readonly expireAfter?: number;
  readonly expiresAt?: number;
  /** What silent content is about: the id of a message, or a word. */
  readonly about?: string;
}

/** What a slash command may do with the chat that it was typed in. */
import type { Clock } from "../../lib/base/clock.ts";
import type { ChatMessage, Engine, Target } from "../engine/api.ts";
import type { Transfers } from "./transfers.ts";
import type { Dialogue } from "./dialogue.ts";
import type { LineStyle } from "./format.ts";
import type { MessageNumbers } from "./numbers.ts";

/** What a chat runs over. */
export interface ChatOptions {
  readonly engine: Engine;
  readonly dialogue: Dialogue;
  readonly style: LineStyle;
  readonly clock: Clock;
  /** Forgets the remembered key at `/logout`. */
  readonly forget: () => Promise<void>;
  readonly signal: AbortSignal;
  /** Where files go, and which may be sent. */
  readonly files: {
    /** The folder for what is saved, made when it was not there. */
    folder(): Promise<string>;
    /** A path as typed, with `~` replaced. */
    expand(path: string): string;
    /** The user's own allow-list; absent: the operator's holds. */
    readonly types?: string;
  };
}

/** A running chat as its commands see it. */
export interface ChatContext {
  readonly options: ChatOptions;
  /** Where a plain line goes. */
  readonly target: Target;
  /** Shows an answer to a command. */
  say(lines: string): void;
  /** Shows a remark that is not data. */
  remark(lines: string): void;
  /** The formatted line of a message. */
  line(message: ChatMessage): string;
  /** Sends to `target`; the line appears with its state through the engine's events. */
  send(target: Target, text: string): Promise<void>;
  /** Makes plain lines go to `target`, and counts what waits there as read. */
  turnTo(target: Target): Promise<void>;
  /** What messages are called. */
  readonly numbers: MessageNumbers;
  /** Files on their way. */
  readonly transfers: Transfers;
  /** Counts unread messages anew and repaints. */
  recount(): Promise<void>;
}

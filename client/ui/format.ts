/** How things look as lines of text. Everything that came from others is made harmless here, and nowhere else. */
import { textLimits } from "../../lib/base/limits.ts";
import { sanitizeLine, sanitizeText } from "../../lib/base/sanitize.ts";
import { colourOf } from "./colours.ts";
import type { ChatMessage, NotificationInfo, UserInfo } from "../engine/api.ts";

/** Choices that hold for every line. */
export interface LineStyle {
  /** UTC instead of the machine's own time zone. */
  readonly utc: boolean;
  /** Escape sequences for weight; never colours that a background could hide. */
  readonly styled: boolean;
  /** Whether a text of several lines may take several lines. */
  readonly multiline: boolean;
  /** Colours for names (SGR); absent: none. */
  readonly palette?: readonly number[];
}

const two = (value: number) => String(value).padStart(2, "0");

/** `2026-11-21 09:30:00`, of milliseconds since 1970. */
export function formatTime(ms: number, utc: boolean): string {
  const at = new Date(utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
  const date = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
  return `${date} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

/** A name, label or error text from elsewhere as one harmless line. */
export function safe(text: string, maxLength = 200): string {
  return sanitizeLine(text, maxLength);
}

/** A message's text, harmless, in the form that `style` allows. */
export function safeBody(text: string, style: LineStyle): string {
  const clean = sanitizeText(text, textLimits.textBytes).replaceAll("\t", "    ");
  return style.multiline ? clean.split("\n").join("\n    ") : clean.replaceAll("\n", "\\n");
}

const bold = (text: string, style: LineStyle) => style.styled ? `\x1b[1m${text}\x1b[22m` : text;

/** A name as it is shown: bold, and in its colour where there are colours. */
function nameText(name: string, { styled, palette }: LineStyle): string {
  const shown = safe(name, 64);
  if (!styled) return shown;
  if (palette === undefined) return `\x1b[1m${shown}\x1b[22m`;
  return `\x1b[1;${colourOf(name, palette)}m${shown}\x1b[22;39m`;
}

/**
 * `DATE TIME SENDER: TEXT`, for private messages `DATE TIME SENDER: @RECEIVER TEXT`, for groups `#NAME` there. While `online`, a queued message
 * is about to be sent and is not marked.
 */
export function formatMessage(
  message: ChatMessage,
  options: { style: LineStyle; self: string; online?: boolean },
): string {
  const { style } = options;
  const receiver = message.own ? message.conversation : options.self;
  const to = message.target.kind === "direct" ? `@${receiver}` : message.conversation;
  const address = message.target.kind === "lobby" ? "" : `${safe(to, 70)} `;
  const body = bodyOf(message, style);
  const waits = message.state === "queued" &&
    (options.online !== true || message.away !== undefined);
  const why = message.problem ??
    (message.away === undefined
      ? undefined
      : `the server ${message.away} cannot be reached just now`);
  const note = waits || message.state === "failed"
    ? ` (${message.state}${why === undefined ? "" : `: ${safe(why)}`})`
    : "";
  const time = formatTime(message.ts, style.utc);
  if (message.kind === "notice") return `${time} * ${address}${body}`;
  const asks = message.request === true ? " (request: accept or decline it)" : "";
  return `${time} ${nameText(message.from, style)}: ${address}${body}${note}${asks}`;
}

/** The text with what stands at it: whom it answers, that it was edited or deleted, reactions. */
function bodyOf(message: ChatMessage, style: LineStyle): string {
  const { text, kind, deleted, edited, replyTo, reactions = [] } = message;
  if (deleted) return "[deleted]";
  if (kind === "unreadable") return `[${safeBody(text, style)}]`;
  const answered = replyTo === undefined ? "" : `${quotation(replyTo)} `;
  const mark = edited ? " (edited)" : "";
  const by = [...new Set(reactions.map(({ emoji }) => emoji))].map((emoji) => {
    const names = reactions.filter((one) => one.emoji === emoji).map(({ from }) => safe(from, 64));
    return ` [${safe(emoji, 20)} ${names.join(", ")}]`;
  });
  return `${answered}${safeBody(text, style)}${mark}${by.join("")}`;
}

function quotation({ from, quote, claimed }: NonNullable<ChatMessage["replyTo"]>): string {
  if (from === undefined) return "[answers a message that is not here]";
  const words = quote === undefined ? "a deleted message" : `"${safe(quote, 60)}"`;
  return `[to ${safe(from, 64)}: ${words}${claimed ? ", as told here" : ""}]`;
}

/** One line of `/users`. */
export function formatUser(user: UserInfo, style: LineStyle): string {
  const name = bold(safe(user.name, 100), style) + (user.self ? " (you)" : "");
  if (user.online) return `${name}  online  ${user.addresses.map((a) => safe(a, 15)).join(" ")}`;
  const seen = user.lastSeen === undefined
    ? "never seen"
    : `last seen ${formatTime(user.lastSeen, style.utc)}`;
  return `${name}  offline  ${seen}`;
}

/** One line of `/notifications`. */
export function formatNotification(notification: NotificationInfo, style: LineStyle): string {
  const mark = notification.seen ? " " : "*";
  return `${mark} ${formatTime(notification.ts, style.utc)} ${safe(notification.text)}`;
}

/** `1 message`, `2 messages`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The text of an error for people. */
export function errorText(error: unknown): string {
  return safe(error instanceof Error ? error.message : String(error), 500);
}

/** How far an own message has got, in a few words; on its way to another server, where it is. */
export function stateWords({ state, away, relay }: ChatMessage): string {
  if (state === "queued" && away !== undefined) return `queued, ${safe(away, 64)} is away`;
  if (state !== "sent" || relay === undefined) return state;
  if (relay.kind === "reached") return "reached their server";
  return relay.at === undefined ? "queued at own server" : `queued at ${safe(relay.at, 64)}`;
}

/** The moment a message was delivered or read, for `/history`; in groups, by how many. */
export function stateDetail(message: ChatMessage, utc: boolean): string {
  const goes = message.expiresAt === undefined
    ? ""
    : ` [until ${formatTime(message.expiresAt, utc)}]`;
  if (!message.own) return goes;
  const at = message.readAt ?? message.deliveredAt;
  const { readBy } = message;
  const some = readBy !== undefined && readBy.count > 0 && readBy.count < readBy.of
    ? `, read by ${readBy.count} of ${readBy.of}`
    : "";
  return ` [${stateWords(message)}${
    at === undefined ? "" : ` ${formatTime(at, utc)}`
  }${some}]${goes}`;
}

/** Telling somebody who looks elsewhere, by the terminal. */
import type { ChatMessage } from "../engine/api.ts";
import type { AlertScope, AlertSettings } from "../engine/api_desk.ts";
import type { ChatOptions } from "./chat_context.ts";
import type { Alert } from "./dialogue.ts";
import { safe } from "./format.ts";
import { addressOf } from "./target.ts";

/** Alerts come no closer than this, in ms: a busy group is one noise, not a hundred. */
const pauseMs = 3_000;

/** UTF-16 units of the text that goes along, where that is wanted. */
const textLength = 100;

/** What holds for the message's conversation. */
export function scopeFor(
  { target }: Pick<ChatMessage, "target">,
  settings: AlertSettings,
): AlertScope {
  return settings.conversations[addressOf(target).toLowerCase()] ?? settings.scope;
}

/** Whether the text names the account: as a word of its own, with or without `@`. */
export function mentions(text: string, name: string): boolean {
  const words = text.normalize().toLowerCase().split(/[^\p{L}\p{M}\p{N}_.-]+/u);
  const wanted = name.normalize().toLowerCase();
  return words.some((word) => word === wanted || word.replace(/[.-]+$/, "") === wanted);
}

/** The alert for a message that has just come; undefined when nobody wants one. What is private counts as a mention. */
export function alertFor(
  message: ChatMessage,
  { settings, self }: { readonly settings: AlertSettings; readonly self: string },
): Alert | undefined {
  const { own, read, kind, target, from, text } = message;
  if (own || read || kind === "notice") return undefined;
  const scope = scopeFor(message, settings);
  const meant = target.kind === "direct" || mentions(text, self);
  if (scope === "off" || (scope === "mentions" && !meant)) return undefined;
  const where = target.kind === "direct" ? "" : ` in ${safe(addressOf(target), 70)}`;
  const said = settings.text && kind === "text" ? `: ${safe(text, textLength)}` : "";
  return { by: settings.by, text: `Sealpost: ${safe(from, 64)}${where}${said}` };
}

/** The alerts of one chat: as its account wants them now, and after each one none for a while. */
export class Alerts {
  readonly #options: Pick<ChatOptions, "engine" | "dialogue" | "clock">;
  #last = -Infinity;

  constructor(options: Pick<ChatOptions, "engine" | "dialogue" | "clock">) {
    this.#options = options;
  }

  /** Tells of a message that has just come, where somebody sits and wants that. */
  tell(message: ChatMessage): void {
    const { engine, dialogue, clock } = this.#options;
    const now = clock.monotonic();
    if (!dialogue.interactive || now - this.#last < pauseMs) return;
    const alert = alertFor(message, { settings: engine.desk.alerts(), self: engine.self.name });
    if (alert === undefined) return;
    this.#last = now;
    dialogue.alert(alert);
  }
}

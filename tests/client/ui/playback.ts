/** An engine that only plays back, and messages for it. */
import { AppError } from "../../../lib/base/errors.ts";
import type { ChatMessage, Engine, EngineEvent, Target } from "../../../client/engine/api.ts";
import type { AlertSettings } from "../../../client/engine/api_desk.ts";

/** When everything was said. */
export const noon = Date.UTC(2026, 10, 21, 12);

/** A message of bob's in the lobby, but for what is given. */
export function message(text: string, more: Partial<ChatMessage> = {}): ChatMessage {
  return {
    local: 1,
    id: crypto.randomUUID(),
    target: { kind: "lobby" },
    conversation: "#lobby",
    from: "bob",
    own: false,
    text,
    kind: "text",
    ts: noon,
    sentAt: noon,
    state: "received",
    read: false,
    ...more,
  };
}

/** An engine that has these unread messages, and does what tests tell it. */
export function playback(unread: ChatMessage[] = []) {
  let listener: (event: EngineEvent) => void = () => undefined;
  const sent: { target: Target; text: string }[] = [];
  const kept: string[] = [];
  let refusal: Error | undefined;
  const alerts: AlertSettings = { by: "bell", scope: "all", text: false, conversations: {} };
  const engine = {
    self: { name: "ann", server: { name: "test" } },
    connection: () => ({ kind: "online", address: "10.8.0.1" }),
    newest: () => 0,
    conversations: () => Promise.resolve([]),
    unread: () => Promise.resolve(unread),
    history: () => Promise.resolve([]),
    markRead: () => Promise.resolve(),
    exists: () => Promise.resolve(true),
    start: () => Promise.resolve(),
    groups: { list: () => Promise.resolve([]) },
    devices: { list: () => Promise.reject(new AppError("timeout")) },
    subscribe: (one: typeof listener) => {
      listener = one;
      return () => undefined;
    },
    send: (target: Target, text: string) => {
      if (refusal !== undefined) return Promise.reject(refusal);
      sent.push({ target, text });
      return Promise.resolve(message(text, { own: true, from: "ann", state: "queued" }));
    },
    desk: {
      facts: () => ({ lifetime: 0 }),
      earlierLines: () => ["of yesterday"],
      keepLine: (line: string) => kept.push(line),
      alerts: () => alerts,
    },
  } as unknown as Engine;
  return {
    engine,
    sent,
    kept,
    tell: (event: EngineEvent) => listener(event),
    refuse: (error: Error) => refusal = error,
  };
}

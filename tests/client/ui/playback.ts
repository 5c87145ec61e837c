/** An engine that only plays back, and messages for it. */
import { AppError } from "../../../lib/base/errors.ts";
import type {
  ChatMessage,
  ConversationInfo,
  Engine,
  EngineEvent,
  Target,
} from "../../../client/engine/api.ts";
import type { AlertSettings } from "../../../client/engine/api_desk.ts";

/** When everything was said. */
export const noon = Date.UTC(2026, 10, 21, 12);

let newest = 0;

/** A message of bob's in the lobby, but for what is given; newer than every other. */
export function message(text: string, more: Partial<ChatMessage> = {}): ChatMessage {
  return {
    local: ++newest,
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

/** An engine that has these unread messages, and does what tests tell it. `isNew`: its history is yet to come. */
export function playback(unread: ChatMessage[] = [], { isNew = false } = {}) {
  let listener: (event: EngineEvent) => void = () => undefined;
  const sent: { target: Target; text: string }[] = [];
  const kept: string[] = [];
  let [here, conversations]: [boolean, readonly ConversationInfo[]] = [!isNew, []];
  const marked: ChatMessage[] = [];
  let reading: (target: Target | undefined) => Promise<readonly ChatMessage[]> = () =>
    Promise.resolve(unread);
  let refusal: Error | undefined;
  const alerts: AlertSettings = { by: "bell", scope: "all", text: false, conversations: {} };
  const engine = {
    self: { name: "ann", server: { name: "test" } },
    connection: () => ({ kind: "online", address: "10.8.0.1" }),
    newest: () => Math.max(0, ...unread.map(({ local }) => local)),
    conversations: () => Promise.resolve(conversations),
    unread: (target?: Target) => reading(target),
    history: () => Promise.resolve([]),
    markRead: (message: ChatMessage) => Promise.resolve(void marked.push(message)),
    exists: () => Promise.resolve(true),
    start: () => Promise.resolve(),
    archive: { isHere: () => here },
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
    /** Up to where it was told that all is read. */
    marked,
    /** What is unread is looked up by `one` from now on. */
    readBy: (one: typeof reading) => reading = one,
    tell: (event: EngineEvent) => listener(event),
    /** The history has come, with that in it. */
    restore: (all: readonly ConversationInfo[], messages: readonly ChatMessage[]) => {
      [here, conversations] = [true, all];
      unread = [...messages, ...unread];
    },
    refuse: (error: Error) => refusal = error,
  };
}

/** Methods about messages and conversations. */
import Type from "typebox";
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { textLimits } from "../../../lib/base/limits.ts";
import type { ChatMessage, Engine, Target, WaitedState } from "../../engine/api.ts";
import { requestTarget } from "../../ui/group_words.ts";
import { targetOf } from "../../ui/target.ts";
import { expression, lateText, refusal } from "../messages.ts";
import {
  archivedJson,
  conversationJson,
  expiryJson,
  groupJson,
  messageJson,
  rekeyedJson,
} from "../json.ts";
import { conversation, count, list, maybe, oneOf, text } from "../../../lib/base/json_schema.ts";
import { archived, conversationLine, expiry, group, message, rekeyed } from "../schemas/outputs.ts";
import { type Context, method } from "./define.ts";

const reference = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "a message's id, the beginning of it, or its `local` number",
});
const wanted = maybe(conversation);
const limit = maybe(Type.Integer({ minimum: 1 }));
const grep = maybe(Type.String({ maxLength: 1024, description: "a regular expression" }));
const words = Type.String({ maxLength: textLimits.textBytes });
const messages = { messages: list(message) };

const json = ({ engine }: Context, one: ChatMessage) => messageJson(one, engine.self.name);

const optional = (name: string | undefined) => name === undefined ? {} : { target: targetOf(name) };

/** Whatever is not known here may be waiting at the server. */
async function ifMissing<T>(context: Context, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not_found") throw error;
    await context.caughtUp();
    return await look();
  }
}

/** The message that `id` names, also one that is still at the server. */
function find({ id, within }: { id: string; within?: Target }, context: Context) {
  return ifMissing(context, () => context.engine.content.find(id, within));
}

async function known(context: Context, target: Target): Promise<void> {
  if (target.kind === "group") await ifMissing(context, () => context.engine.groups.info(target));
}

/** The message once it has got so far; what takes too long stays in the queue. */
async function reached(
  context: Context,
  { id, state, to }: {
    readonly id: string;
    readonly state: WaitedState;
    readonly to: string;
  },
): Promise<ChatMessage> {
  try {
    const one = await context.engine.waitFor(id, state, context.signal);
    if (one.state === "failed") throw await refusal(context.engine, one);
    return one;
  } catch (error) {
    if (!isLate(context)) throw error;
    const text = await lateText(context.engine, { id, to, wanted: state });
    throw new ExitError("queued", text, { cause: error });
  }
}

/** Whether the request's own time is up. */
function isLate({ signal }: Context): boolean {
  return signal.aborted && signal.reason instanceof ExitError &&
    signal.reason.reason === "network";
}

/** The message after a change of it has reached the server; undefined when it was never sent and is gone. */
async function changed(
  context: Context,
  id: string,
  change: (message: ChatMessage) => Promise<{ readonly id: string }>,
): Promise<ChatMessage | undefined> {
  const { engine, signal } = context;
  const before = await find({ id }, context);
  const queued = await context.inOrder(before.conversation, () => change(before));
  await settled(context, () => engine.content.settled(queued.id, signal));
  return await engine.content.find(before.id).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== "not_found") throw error;
    return undefined;
  });
}

async function settled(context: Context, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isLate(context)) throw error;
    throw new ExitError("queued", "The change is queued and will be sent later.", { cause: error });
  }
}

const waits = oneOf("queued", "sent", "reached", "delivered", "read");

/** Methods about messages. */
export const messageMethods = {
  "message.send": method({
    about: "Sends a text. Answers when it has got as far as `wait` says; default: sent",
    params: { to: conversation, text: words, wait: maybe(waits), replyTo: maybe(reference) },
    result: { message },
    example: { to: "sam", text: "lunch?", wait: "delivered" },
    run: async (context, { to, text, wait = "sent", replyTo }) => {
      const target = targetOf(to);
      const one = await context.inOrder(to, async () => {
        await known(context, target);
        if (replyTo === undefined) return await context.engine.send(target, text);
        const answered = await find({ id: replyTo, within: target }, context);
        return await context.engine.content.reply(answered.id, text);
      });
      const { id } = one;
      return {
        message: json(
          context,
          wait === "queued" ? one : await reached(context, { id, state: wait, to }),
        ),
      };
    },
  }),
  "message.wait": method({
    about: "Answers when an own message has got so far",
    params: { id: reference, state: oneOf("sent", "reached", "delivered", "read") },
    result: { message },
    example: { id: "01890a5d-ac96-774b-bcce-b302099a8057", state: "read" },
    run: async (context, { id, state }) => {
      const one = await find({ id }, context);
      const to = one.conversation;
      return { message: json(context, await reached(context, { id: one.id, state, to })) };
    },
  }),
  "message.retry": method({
    about: "Puts a failed message back into the queue",
    params: { id: reference },
    result: { message },
    example: { id: "01890a5d" },
    run: async (context, { id }) => {
      const one = await find({ id }, context);
      await context.inOrder(one.conversation, () => context.engine.retry(one.id));
      return { message: json(context, await context.engine.content.find(one.id)) };
    },
  }),
  "message.get": method({
    about: "One message",
    params: { id: reference, conversation: wanted },
    result: { message },
    example: { id: "12" },
    run: async (context, { id, conversation: name }) => {
      const within = optional(name).target;
      const one = await find({ id, ...(within === undefined ? {} : { within }) }, context);
      return { message: json(context, one) };
    },
  }),
  "message.edit": method({
    about: "Gives an own message another text, for everybody (within a day)",
    params: { id: reference, text: words },
    result: { message },
    example: { id: "01890a5d", text: "lunch at two" },
    run: async (context, { id, text }) => {
      const one = await changed(context, id, (m) => context.engine.content.edit(m.id, text));
      if (one === undefined) throw new AppError("not_found");
      return { message: json(context, one) };
    },
  }),
  "message.delete": method({
    about: "Deletes an own message for everybody (within 30 days); null when it was never sent",
    params: { id: reference },
    result: { message: Type.Union([message, Type.Null()]) },
    example: { id: "01890a5d" },
    run: async (context, { id }) => {
      const one = await changed(context, id, (m) => context.engine.content.remove(m.id));
      return { message: one === undefined ? null : json(context, one) };
    },
  }),
  "message.react": method({
    about: "Reacts to a message with one emoji, or takes that back",
    params: {
      id: reference,
      emoji: Type.String({ minLength: 1, maxLength: 64 }),
      remove: maybe(Type.Boolean()),
    },
    result: { message },
    example: { id: "01890a5d", emoji: "👍" },
    run: async (context, { id, emoji, remove = false }) => {
      const { content } = context.engine;
      const one = await changed(context, id, (m) => content.react(m.id, emoji, { remove }));
      if (one === undefined) throw new AppError("not_found");
      return { message: json(context, one) };
    },
  }),
  "message.unread": method({
    about: "Unread messages, earliest first, which stay unread; and invitations to groups",
    params: { conversation: wanted },
    result: { ...messages, invitations: list(group) },
    example: { conversation: "sam" },
    run: async (context, { conversation: name }) => {
      await context.caughtUp();
      const waiting = await context.engine.unread(optional(name).target);
      const groups = name === undefined ? await context.engine.groups.list() : [];
      return {
        messages: waiting.map((one) => json(context, one)),
        invitations: groups.filter(({ standing }) => standing === "request").map(groupJson),
      };
    },
  }),
  "message.read": method({
    about: "Unread messages, earliest first, and marks them as read; requests only where named",
    params: { conversation: wanted, limit },
    result: messages,
    example: { limit: 10 },
    run: async (context, { conversation: name, limit: most }) => {
      await context.caughtUp();
      const { target } = optional(name);
      const waiting = (await context.engine.unread(target))
        .filter(({ request }) => request !== true || target !== undefined).slice(0, most);
      await markAll(context.engine, waiting);
      return { messages: waiting.map((one) => json(context, one)) };
    },
  }),
  "message.mark": method({
    about: "Marks everything in a message's conversation up to it as read",
    params: { id: reference },
    result: { message },
    example: { id: "01890a5d" },
    run: async (context, { id }) => {
      const one = await find({ id }, context);
      await context.engine.markRead(one);
      return { message: json(context, await context.engine.content.find(one.id)) };
    },
  }),
  "message.history": method({
    about: "Stored messages, earliest first: the last `limit`, or all",
    params: { conversation: wanted, limit, grep },
    result: messages,
    example: { conversation: "#lobby", limit: 20, grep: "deploy" },
    run: async (context, query) => ({
      messages: (await history(context, query)).map((one) => json(context, one)),
    }),
  }),
  "message.search": method({
    about: "Messages whose text contains some words, in any case of letters, earliest first",
    params: {
      text: Type.String({ minLength: 1, maxLength: 256 }),
      conversation: wanted,
      limit,
    },
    result: messages,
    example: { text: "deploy", limit: 20 },
    run: async (context, { text: sought, ...query }) => ({
      messages: (await history(context, { ...query, literal: sought }))
        .map((one) => json(context, one)),
    }),
  }),
  "message.export": method({
    about: "Receipts that `sealpost verify` checks offline, each as one text",
    params: { conversation: wanted, limit, grep },
    result: { receipts: list(text) },
    example: { conversation: "sam" },
    run: async (context, query) => {
      const chosen = historyQuery(query);
      await context.caughtUp();
      return { receipts: await context.engine.exportSigned(chosen) };
    },
  }),
} as const;

/** Marks the last message of every conversation among `waiting`. */
async function markAll(engine: Engine, waiting: readonly ChatMessage[]): Promise<void> {
  const last = new Map(waiting.map((one) => [one.conversation, one]));
  for (const one of last.values()) await engine.markRead(one);
}

interface Query {
  readonly conversation?: string | undefined;
  readonly limit?: number | undefined;
  readonly grep?: string | undefined;
  readonly literal?: string | undefined;
}

function historyQuery({ conversation: name, limit: most, grep: source, literal }: Query) {
  return {
    ...optional(name),
    ...(most === undefined ? {} : { limit: most }),
    ...(source === undefined ? {} : { grep: expression(source, "grep") }),
    ...(literal === undefined ? {} : { contains: literal }),
  };
}

/** What is stored; what waits at the server comes first where it can be reached. */
async function history(context: Context, query: Query): Promise<readonly ChatMessage[]> {
  const chosen = historyQuery(query);
  await context.caughtUp().catch((error: unknown) => {
    if (context.signal.aborted) throw error;
  });
  return await context.engine.history(chosen);
}

/** Methods about conversations. */
export const conversationMethods = {
  "conversation.list": method({
    about: "Every conversation, with its number of unread messages and its last one",
    params: {},
    result: { conversations: list(conversationLine) },
    example: {},
    run: async ({ engine }) => ({
      conversations: (await engine.conversations())
        .map((one) => conversationJson(one, engine.self.name)),
    }),
  }),
  "conversation.lifetime": method({
    about: "How long messages of a conversation stay",
    params: { conversation },
    result: { expiry },
    example: { conversation: "sam" },
    run: async ({ engine }, { conversation: name }) => ({
      expiry: expiryJson(name, await engine.content.lifetime(targetOf(name))),
    }),
  }),
  "conversation.expire": method({
    about: "How long they stay from now on, in milliseconds: 10 seconds to 90 days, or 0 for ever",
    params: { conversation, after: count },
    result: { expiry },
    example: { conversation: "sam", after: 3_600_000 },
    run: async (context, { conversation: name, after }) => {
      const { content } = context.engine;
      const queued = await context.inOrder(name, () => content.expire(targetOf(name), after));
      await settled(context, () => content.settled(queued.id, context.signal));
      return { expiry: expiryJson(name, await content.lifetime(targetOf(name))) };
    },
  }),
  "conversation.rekey": method({
    about: "Changes a conversation's keys now: what was stolen before opens nothing that comes",
    params: { conversation },
    result: { rekeyed },
    example: { conversation: "sam" },
    run: async (context, { conversation: name }) => {
      await context.caughtUp();
      await context.inOrder(name, () => context.engine.rekey(targetOf(name)));
      return { rekeyed: rekeyedJson(name) };
    },
  }),
  "conversation.archive": method({
    about: "Whether a conversation is archived; what is there of it is taken out when not",
    params: { conversation, keep: Type.Boolean() },
    result: { archived },
    example: { conversation: "sam", keep: false },
    run: async (context, { conversation: name, keep }) => {
      await context.caughtUp();
      const { archive } = context.engine;
      await archive.settled(context.signal);
      const switched = await archive.keep(targetOf(name), keep);
      return { archived: archivedJson({ conversation: name, kept: keep }, switched) };
    },
  }),
  "request.list": method({
    about: "What waits for an answer: strangers' conversations, and invitations to groups",
    params: {},
    result: { conversations: list(conversationLine), invitations: list(group) },
    example: {},
    run: async (context) => {
      await context.caughtUp();
      const { engine } = context;
      const waiting = (await engine.conversations()).filter(({ request }) => request === true);
      return {
        conversations: waiting.map((one) => conversationJson(one, engine.self.name)),
        invitations: (await engine.groups.list()).filter(({ standing }) => standing === "request")
          .map(groupJson),
      };
    },
  }),
  "request.answer": method({
    about: "Accepts or declines a stranger's messages, or the invitation to a group",
    params: { conversation, answer: oneOf("accept", "decline") },
    result: { conversation, answer: oneOf("accept", "decline") },
    example: { conversation: "#team", answer: "accept" },
    run: async (context, { conversation: name, answer }) => {
      await context.caughtUp();
      const target = await requestTarget(context.engine, name);
      await context.engine.requests.answer(target, answer);
      return { conversation: name, answer };
    },
  }),
} as const;

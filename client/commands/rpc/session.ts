/** Methods about the session itself. */
import Type from "typebox";
import { version } from "../../../lib/base/version.ts";
import { count, list, oneOf, text, uuid } from "../../../lib/base/json_schema.ts";
import { method } from "./define.ts";
import { connection, type EventKind, eventKinds } from "./events.ts";

const kinds = list(oneOf(...eventKinds as [EventKind, ...EventKind[]]));

/** Methods about the session. */
export const sessionMethods = {
  "session.info": method({
    about: "Who and where you are, how the connection stands, and the newest message's `local`",
    params: {},
    result: {
      name: text,
      account: uuid,
      device: text,
      fingerprint: text,
      server: Type.Object({ host: text, port: count, name: text }),
      serverFingerprint: text,
      profile: text,
      version: text,
      newest: count,
      connection,
    },
    example: {},
    // deno-lint-ignore require-await -- every method answers later
    run: async ({ engine }) => ({
      ...engine.self,
      version,
      newest: engine.newest(),
      connection: engine.connection(),
    }),
  }),
  "session.events": method({
    about: "Which events are pushed from now on; all of them at the start",
    params: { kinds },
    result: { kinds },
    example: { kinds: ["message", "connection"] },
    // deno-lint-ignore require-await -- every method answers later
    run: async ({ session }, { kinds: chosen }) => {
      session.select(chosen);
      return { kinds: chosen };
    },
  }),
  "session.replay": method({
    about: "Pushes stored messages again whose `local` is greater: what a program missed",
    params: { after: count },
    result: { count },
    example: { after: 1200 },
    run: async ({ session }, { after }) => ({ count: await session.replay(after) }),
  }),
  "session.catch_up": method({
    about: "Answers when everything that waited at the server is here",
    params: {},
    result: { newest: count },
    example: {},
    run: async (context) => {
      await context.caughtUp();
      return { newest: context.engine.newest() };
    },
  }),
  "session.cancel": method({
    about: "Ends requests that are under way, by their id; what is in the queue stays there",
    params: { id: Type.Union([Type.String(), Type.Number()]) },
    result: { count },
    example: { id: 7 },
    // deno-lint-ignore require-await -- every method answers later
    run: async ({ session }, { id }) => ({ count: session.cancel(id) }),
  }),
  "session.schema": method({
    about: "All methods and events with their schemas, as `sealpost schema rpc` prints them",
    params: {},
    result: { schema: Type.Record(Type.String(), Type.Unknown()) },
    example: {},
    // deno-lint-ignore require-await -- every method answers later
    run: async ({ session }) => ({ schema: session.document() }),
  }),
} as const;

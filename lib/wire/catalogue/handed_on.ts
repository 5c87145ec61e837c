/**
 * Requests of clients that their own server hands on to another one, which orders the conversation or has the account: as
 * in the catalogue, without `id` and `body`, which the question of the servers has, and without the name of the server.
 */
import Type from "typebox";
import { conversationMessages } from "./conversation.ts";
import { directoryMessages } from "./directory.ts";
import { fileMessages } from "./file.ts";
import { repairMessages } from "./repair.ts";

const strict = { additionalProperties: false } as const;

/** A message without what the one around it says. */
function inner<P extends Type.TProperties>(
  { schema }: { readonly schema: Type.TObject<P> },
): Type.TObject<Omit<P, "id" | "body" | "server">> {
  const { id: _id, body: _body, server: _server, ...fields } = schema.properties;
  return Type.Object(fields, strict);
}

const messages = {
  ...conversationMessages,
  ...directoryMessages,
  ...repairMessages,
  ...fileMessages,
};

/** The requests, the most frequent first. */
export const handedRequest = Type.Union([
  inner(messages["message.send"]),
  inner(messages["conversation.commit"]),
  inner(messages["conversation.stage"]),
  inner(messages["conversation.info"]),
  inner(messages["conversation.leave"]),
  inner(messages["conversation.refuse"]),
  inner(messages["conversation.recreate"]),
  inner(messages["keypackages.claim"]),
  inner(messages["file.get"]),
  inner(messages["file.done"]),
]);

/** Their replies. */
export const handedReply = Type.Union([
  inner(messages["message.send.ok"]),
  inner(messages["conversation.commit.ok"]),
  inner(messages["conversation.stage.ok"]),
  inner(messages["conversation.info.ok"]),
  inner(messages["conversation.leave.ok"]),
  inner(messages["conversation.refuse.ok"]),
  inner(messages["conversation.recreate.ok"]),
  inner(messages["keypackages.claim.ok"]),
  inner(messages["file.get.ok"]),
  inner(messages["file.done.ok"]),
]);

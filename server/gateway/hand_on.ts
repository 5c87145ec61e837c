/** Requests that may be another server's to carry out: asked here first, and handed on where they are. */
import { AppError } from "../../lib/base/errors.ts";
import type { RequestType } from "../../lib/wire/messages.ts";
import type { PeerAnswer } from "../federation/pipe.ts";
import { RefusedByPeer } from "../federation/refused.ts";
import type { Elsewhere, Refused } from "../operations/contract.ts";
import {
  type Answer,
  type Answered,
  type HandOn,
  refused,
  type ReplyFields,
} from "../requests/answer.ts";
import type { Asker, Handed, HandedRequest, HandedType } from "../requests/asker.ts";
import { carry } from "../requests/carry.ts";
import { fromReply, toHanded } from "../requests/replies.ts";
import type { Session } from "./session.ts";

/** A request of this session, to be handed on in its name. */
export interface Handing {
  /** The linked server's name here. */
  readonly server: string;
  /** Of the session's device. */
  readonly certificate: string;
  readonly message: Handed;
  readonly body: Uint8Array;
}

/** What a linked server said, and what it makes for the client. */
export interface HandedOn<T extends HandedType & RequestType> extends Answered<T> {
  readonly said: PeerAnswer;
}

/** The session as whoever carries a request out sees it. */
export function askerOf({ ready, services }: Session): Asker {
  const { storage, staged, logger } = services;
  return { actor: ready.actor, storage, staged, logger };
}

/** Carries a request out here, or hands it on to the server whose conversation it is about. */
export async function carryOrHandOn<T extends HandedType & RequestType>(
  session: Session,
  type: T,
  request: HandedRequest<T>,
): Promise<Answer<T>> {
  const { message } = request;
  const { routes } = session;
  const conversation = "conversation" in message ? message.conversation : "";
  let answer: Answer<T> | HandOn | undefined;
  if (type === "message.send") answer = routes.to(conversation);
  if (answer === undefined) {
    routes.asking(conversation);
    try {
      answer = await carry(type, askerOf(session), request);
    } finally {
      // What follows is asked of the other server before anything else of this session can be.
      routes.asked(conversation, routeIn(answer));
    }
  }
  if (answer.ok || answer.code !== "elsewhere") return answer;
  const { server, certificate, own, whole: body = request.body } = answer;
  const said = await handOn(session, type, { server, certificate, message, body });
  if (said.ok) return own === undefined ? said : withOwn(said, own);
  return isAway(said.code) ? { ...said, code: "hub_away" } : said;
}

/** What a message of the same conversation needs to go the same way. */
function routeIn(answer: { readonly ok: boolean } | HandOn | undefined): Elsewhere | undefined {
  if (answer === undefined || !("server" in answer)) return undefined;
  const { ok, code, server, certificate } = answer;
  return { ok, code, server, certificate };
}

/** How an own account stands to the conversation and where its device is in the log this server says, not the other one. */
function withOwn<T extends HandedType & RequestType>(
  answer: Answered<T>,
  own: NonNullable<Elsewhere["own"]>,
): Answered<T> {
  const { after: _, state: __, by: ___, ...fields } = {
    after: 0,
    state: "",
    by: "",
    ...answer.fields,
  };
  return { ...answer, fields: { ...fields, ...own } as unknown as ReplyFields<T> };
}

/** A server that was removed is as good as away: its conversations stay, and it may come back. */
function isAway(code: string): boolean {
  return code === "server_away" || code === "no_such_server";
}

/** Asks a linked server to carry a request out. Refused with `no_such_server`, `server_away`, or as that server refuses. */
export async function handOn<T extends HandedType & RequestType>(
  session: Session,
  type: T,
  { server, certificate, message, body }: Handing,
): Promise<HandedOn<T> | Refused> {
  try {
    const question = { kind: "request", certificate, message: toHanded(message) } as const;
    const said = await session.services.peers.ask(server, question, body);
    if (said.answer.kind !== "request") return refused("server_away");
    const answer = fromReply(type, said.answer.reply, said.body);
    return answer === undefined ? refused("server_away") : { ...answer, said };
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.fault !== "peer") throw thrown;
    return refusalOf(thrown);
  }
}

function refusalOf(error: AppError): Refused {
  const { code, retryAfterMs } = error;
  const epoch = error instanceof RefusedByPeer ? error.epoch : undefined;
  return refused(code, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(epoch === undefined ? {} : { epoch }),
  });
}

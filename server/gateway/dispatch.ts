/** From an arrived message to its handler, and from the handler's answer to the reply. */
import { reach } from "../../lib/base/crashpoint.ts";
import { AppError } from "../../lib/base/errors.ts";
import { frameLimits } from "../../lib/base/limits.ts";
import {
  type Arrived,
  catalogue,
  type MessageType,
  type NoticeType,
  permits,
  type RequestType,
} from "../../lib/wire/messages.ts";
import type { RequestHandlers } from "./handler_types.ts";
import { accountHandlers } from "./handlers/account.ts";
import { archiveHandlers } from "./handlers/archive.ts";
import { conversationHandlers } from "./handlers/conversation.ts";
import { groupHandlers } from "./handlers/groups.ts";
import { deviceHandlers, noticeHandlers } from "./handlers/device.ts";
import { directoryHandlers } from "./handlers/directory.ts";
import { fileHandlers } from "./handlers/file.ts";
import { lobbyHandlers } from "./handlers/lobby.ts";
import { repairHandlers } from "./handlers/repair.ts";
import type { Session } from "./session.ts";
import { type Answer, refused } from "../requests/answer.ts";

/** One handler for every request of the catalogue. */
const requestHandlers: RequestHandlers = {
  ...accountHandlers,
  ...deviceHandlers,
  ...directoryHandlers,
  ...conversationHandlers,
  ...groupHandlers,
  ...repairHandlers,
  ...lobbyHandlers,
  ...archiveHandlers,
  ...fileHandlers,
};

/**
 * Handles one message. The promise settles when it has been answered, and never rejects. Handlers run at once up to their first wait, so that calls keep the order of messages.
 */
export function dispatch(session: Session, arrived: Arrived): Promise<void> {
  const { type } = arrived.message;
  if (isRequest(type)) return handleRequest(session, type, arrived);
  if (isNotice(type)) return handleNotice(session, type, arrived);
  // What only linked servers say to each other.
  return session.connection.close(new AppError("not_permitted_now"));
}

async function handleRequest<T extends RequestType>(
  session: Session,
  type: T,
  arrived: Arrived,
): Promise<void> {
  if (!isArrived(arrived, type)) return;
  const { message } = arrived;
  if (!("id" in message) || message.id === undefined) return;
  const { id } = message;
  const bytes = heldBytes(arrived);
  session.begin(bytes);
  try {
    const answer = permits(session.state, type)
      ? await requestHandlers[type](session, arrived)
      : refused(session.state === "draining" ? "server_closing" : "not_permitted_now");
    reply(session, { type, id, answer });
  } catch (thrown) {
    const error = session.failure(thrown);
    const { code, retryAfterMs } = error;
    session.refuse(id, refused(code, retryAfterMs === undefined ? {} : { retryAfterMs }));
  } finally {
    session.finish(bytes);
  }
}

function reply<T extends RequestType>(
  session: Session,
  { type, id, answer }: { readonly type: T; readonly id: number; readonly answer: Answer<T> },
): void {
  if (!answer.ok) return session.refuse(id, answer);
  const { fields, body, after } = answer;
  const head = { type: `${type}.ok`, id };
  if (body === undefined) {
    session.connection.sendEncoded(JSON.stringify({ ...head, ...fields }));
  } else {
    const length = body.reduce((sum, part) => sum + part.length, 0);
    const text = JSON.stringify({ ...head, ...fields, body: length });
    session.connection.sendEncoded(text, body, { spent: answer.spent === true });
  }
  if (type === "message.send") reach("server:replied");
  after?.();
}

async function handleNotice<T extends NoticeType>(
  session: Session,
  type: T,
  arrived: Arrived,
): Promise<void> {
  if (!isArrived(arrived, type) || session.state === "draining") return;
  if (!permits(session.state, type)) {
    return await session.connection.close(new AppError("not_permitted_now"));
  }
  const bytes = heldBytes(arrived);
  session.begin(bytes);
  try {
    await noticeHandlers[type](session, arrived);
  } catch (thrown) {
    // Nobody waits for an answer; what a notice would have done is done by the next one.
    const { code } = session.failure(thrown);
    session.services.logger.log("debug", "notice_failed", {
      connection: session.connection.id,
      code,
    });
  } finally {
    session.finish(bytes);
  }
}

/** What the answer may hold where it can be far larger than its request, in bytes. */
const answerBytes: { readonly [T in MessageType]?: number } = {
  "message.fetch": 2 * frameLimits.bodyBytes,
  "lobby.fetch": frameLimits.bodyBytes,
  "archive.fetch": frameLimits.bodyBytes,
  "file.get": frameLimits.bodyBytes,
  "vault.get": frameLimits.bodyBytes,
  "conversation.info": frameLimits.bodyBytes,
  "keypackages.claim": frameLimits.bodyBytes,
  "conversation.list": frameLimits.headerBytes,
  "device.list": frameLimits.headerBytes,
  "directory.users": frameLimits.headerBytes,
  "directory.keys": frameLimits.headerBytes,
  "directory.entries": frameLimits.headerBytes,
  "notification.list": frameLimits.headerBytes,
};

/** Bytes that a message and its answer hold until it is dealt with. */
function heldBytes({ message, body }: Arrived): number {
  return body.length + (answerBytes[message.type] ?? 0);
}

function isRequest(type: MessageType): type is RequestType {
  return Object.hasOwn(requestHandlers, type);
}

function isNotice(type: MessageType): type is NoticeType {
  return catalogue[type].role === "notice";
}

function isArrived<T extends MessageType>(arrived: Arrived, type: T): arrived is Arrived<T> {
  return arrived.message.type === type;
}

/** The shape of handlers: one for each message that a client may send. */
import type { Arrived, NoticeType, RequestType } from "../../lib/wire/messages.ts";
import type { Session } from "./session.ts";
import type { Answer } from "../requests/answer.ts";

/** Handles one request. Throws `AppError` where the refusal is not an ordinary one. */
export type RequestHandler<T extends RequestType> = (
  session: Session,
  arrived: Arrived<T>,
) => Promise<Answer<T>>;

/** Handlers for the request types in `T`. */
export type RequestHandlers<T extends RequestType = RequestType> = {
  readonly [K in T]: RequestHandler<K>;
};

/** Handlers for messages that get no reply. */
export type NoticeHandlers = {
  readonly [K in NoticeType]: (session: Session, arrived: Arrived<K>) => Promise<void>;
};

/** The loop of one connection: frames in, messages to their handlers, one catch for everything. */
import { giveBack } from "../../lib/base/bytes.ts";
import { backoffMs } from "../../lib/base/backoff.ts";
import { pause } from "../../lib/base/clock.ts";
import { AppError, asAppError } from "../../lib/base/errors.ts";
import { serverLimits } from "../../lib/base/limits.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import { dispatch } from "./dispatch.ts";
import type { SessionKey } from "../operations/contract.ts";
import type { Services, Session } from "./session.ts";

/** Bytes of messages under way and of their answers: what goes beyond waits unread in the socket. */
const bytesInFlight = 4 * 1024 * 1024;

/**
 * When all sessions together have this much under way each of them gets one message at a time: half of what may wait for
 * the storage side, so that a few who ask for much delay those who ask for little only by that.
 */
const crowd = { requests: serverLimits.storageQueue / 2, bytes: 64 * 1024 * 1024 };

/** Serves a session until its connection ends, then takes it off the registry. Never rejects. */
export async function serve(session: Session): Promise<void> {
  const { services } = session;
  services.sessions.add(session);
  const cancel = services.clock.after(services.limits.loginMs, () => expireLogin(session));
  try {
    await handleAll(session);
    logEnd(session, undefined);
  } catch (thrown) {
    logEnd(session, asAppError(thrown));
  }
  cancel();
  session.leave();
  services.sessions.remove(session);
  await unregister(session);
}

async function handleAll(session: Session): Promise<void> {
  const { connection } = session;
  for (;;) {
    const arrived = await connection.receive();
    if (arrived === undefined) return;
    const answers: Promise<void>[] = [];
    for (const one of arrived) {
      const wait = room(session);
      if (wait !== undefined) await wait;
      const answered = dispatch(session, one);
      // Before the login is through, each step decides what the next may be.
      if (session.phase.kind !== "ready") await answered;
      answers.push(answered);
    }
    giveBackChunks(arrived, answers);
  }
}

/** A frame of nothing but pieces of files, which were copied on their way to the disk, has no further use. */
function giveBackChunks(arrived: readonly Arrived[], answers: readonly Promise<void>[]): void {
  const [first] = arrived;
  if (first === undefined || !arrived.every(({ message }) => message.type === "file.chunk")) return;
  void Promise.all(answers).then(() => giveBack(first.body));
}

/** Waits, where needed, until the session may have one more message under way. */
function room(session: Session): Promise<void> | undefined {
  const { inFlight, services } = session;
  const { load } = services.sessions;
  const crowded = load.requests >= crowd.requests || load.bytes >= crowd.bytes;
  const most = crowded
    ? { requests: 0, bytes: 0 }
    : { requests: services.limits.requestsInFlight - 1, bytes: bytesInFlight };
  const free = inFlight.requests <= most.requests && inFlight.bytes <= most.bytes;
  return free ? undefined : session.atMost(most.requests, most.bytes);
}

function expireLogin({ phase, connection }: Session): void {
  if (phase.kind === "open" || phase.kind === "enrolling") {
    void connection.close(new AppError("timeout"));
  }
}

const hostile = new Set([
  "malformed",
  "tampered",
  "too_large",
  "unknown_type",
  "not_permitted_now",
]);

function logEnd(session: Session, error: AppError | undefined): void {
  const { services, connection, remote } = session;
  const isHostile = error !== undefined && hostile.has(error.code);
  if (isHostile) services.counters.hostile++;
  const level = isHostile ? "warning" : "debug";
  services.logger.log(level, error === undefined ? "session_ended" : "session_failed", {
    connection: connection.id,
    remote,
    code: error?.code,
  });
}

async function unregister(session: Session): Promise<void> {
  const { phase, services } = session;
  if (phase.kind !== "draining" || !phase.entered) return;
  try {
    await services.storage.call("session.close", session.key);
  } catch (thrown) {
    session.failure(thrown);
    void unregisterLater(services, session.key);
  }
}

/** A session that stayed in the registry would show its account as online for ever: it is tried until it works. */
async function unregisterLater({ storage, clock, logger }: Services, key: SessionKey) {
  for (let attempt = 0;; attempt++) {
    await pause(clock, backoffMs(attempt, { firstMs: 1000, maxMs: 30_000 }));
    try {
      return await storage.call("session.close", key);
    } catch (thrown) {
      logger.log("debug", "unregister_failed", { connection: key.session, cause: String(thrown) });
    }
  }
}

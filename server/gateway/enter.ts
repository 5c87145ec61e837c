/** Becoming ready: the one way in, by registration, enrolment or a known device's signature. */
import type { Message } from "../../lib/wire/messages.ts";
import type { Arrival, ArrivalOutcome, Refused, Welcome } from "../operations/contract.ts";
import { Push } from "./push.ts";
import type { Session } from "./session.ts";
import { refused } from "../requests/answer.ts";

/** What a client says of itself when it becomes ready. */
export type Arriving = Pick<Message<"account.login.device">, "instance" | "receive">;

/** The answer to every way of becoming ready. */
export interface Entered {
  readonly ok: true;
  readonly fields: Welcome & { readonly now: number };
  readonly after: () => void;
}

/**
 * Registers the session by `attempt`. Sessions of another instance of the same device are probed first; when one lives
 * the answer is `already_logged_in`, when none does they are replaced.
 */
export async function enter(
  session: Session,
  arriving: Arriving,
  attempt: (arrival: Arrival) => Promise<ArrivalOutcome>,
): Promise<Entered | Refused> {
  const arrival = {
    ...session.key,
    instance: arriving.instance,
    receive: arriving.receive,
    replace: false,
  };
  let outcome = await attempt(arrival);
  if (!outcome.ok && "older" in outcome) {
    if (await session.services.probes.anyAlive(outcome.older)) return refused("already_logged_in");
    outcome = await attempt({ ...arrival, replace: true });
  }
  if (!outcome.ok) return "older" in outcome ? refused("already_logged_in") : outcome;
  const { ok: _, ...welcome } = outcome;
  return entered(session, { welcome, receive: arriving.receive });
}

function entered(
  session: Session,
  { welcome, receive }: { readonly welcome: Welcome; readonly receive: boolean },
): Entered {
  const { services, connection } = session;
  const actor = { account: welcome.account, device: welcome.device };
  const failed = (thrown: unknown) => void connection.close(session.failure(thrown));
  const push = new Push(actor, { ...services, connection, failed });
  session.phase = { kind: "ready", actor, name: welcome.name, exchange: { kind: "none" }, push };
  services.sessions.addReady(session);
  return {
    ok: true,
    fields: { ...welcome, now: services.clock.now() },
    after: () => {
      if (receive) void push.start();
    },
  };
}

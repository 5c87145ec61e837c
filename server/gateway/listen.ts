/** Accepting connections, through bad times too. */
import { type Clock, pause } from "../../lib/base/clock.ts";
import type { Logger } from "../../lib/base/log.ts";
import type { SocketTransport, TlsListener } from "../../lib/wire/tls.ts";

/** How long to wait when the system refuses a connection (too many open files, no memory), in milliseconds. */
const refusedPauseMs = 100;

/** What accepting needs. */
export interface AcceptServices {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly take: (transport: SocketTransport) => void;
}

/** Hands every new connection to `take` until the listener is closed. Never rejects. */
export async function acceptAll(listener: TlsListener, services: AcceptServices): Promise<void> {
  for (;;) {
    try {
      const transport = await listener.accept();
      if (transport === undefined) return;
      services.take(transport);
    } catch (thrown) {
      const cause = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
      services.logger.log("error", "accept_failed", { cause });
      await pause(services.clock, refusedPauseMs);
    }
  }
}

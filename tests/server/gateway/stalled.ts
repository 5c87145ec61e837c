/** A gateway whose storage side answers when a test says so. */
import { randomId } from "../../../lib/base/ids.ts";
import { silentLogger } from "../../../lib/base/log.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { Requests } from "../../../lib/wire/client_requests.ts";
import { Connection } from "../../../lib/wire/connection.ts";
import type { Nudge, OperationName, Storage } from "../../../server/operations/contract.ts";
import { Gateway } from "../../../server/gateway/gateway.ts";
import { type GatewayLimits, gatewayLimits } from "../../../server/gateway/limits.ts";
import { clientFacts, ManualClock, pipe } from "../../wire/kit.ts";
import { noFiles } from "../../kit/no_files.ts";

/** Lets everybody in and then answers only when told to. */
function stalledStorage() {
  const waiting: {
    name: OperationName;
    answer: (result: object) => void;
    fail: (reason: Error) => void;
  }[] = [];
  const arrive = () => ({
    ok: true,
    account: randomId(),
    name: "somebody",
    device: "A".repeat(43),
    address: "10.8.0.1",
    unread: 0,
    notifications: 0,
    keyPackages: 0,
    lastResortAt: null,
    lobbyHead: 0,
  });
  const told: { receive: (nudges: readonly Nudge[]) => void } = { receive: () => undefined };
  const storage: Storage = {
    call(name) {
      const { promise, resolve, reject } = Promise.withResolvers<object>();
      if (name === "login.device") resolve(arrive());
      else waiting.push({ name, answer: resolve, fail: reject });
      return promise as Promise<never>;
    },
    onNudges: (receive) => void (told.receive = receive),
    files: noFiles,
  };
  return { storage, waiting, nudge: (nudges: readonly Nudge[]) => told.receive(nudges) };
}

/** A gateway over such a storage side, clients on pipes. */
export function stalledWorld(limits: GatewayLimits = gatewayLimits) {
  const { storage, waiting, nudge } = stalledStorage();
  const clock = new ManualClock();
  const gateway = new Gateway({
    index: 0,
    identity: generateSigningKey(),
    serverName: "test",
    authority: "",
    opaqueSetup: "",
    registration: "open",
    limits,
    storage,
    clock,
    logger: silentLogger,
  });
  const connect = async ({ receive = false } = {}) => {
    const [clientEnd, serverEnd] = pipe();
    gateway.take(Object.assign(serverEnd, { remote: { hostname: "192.0.2.7", port: 1 } }));
    const device = generateSigningKey();
    const connection = await Connection.open(clientEnd, { device, facts: clientFacts, clock });
    const requests = new Requests(connection, {
      onEvent: () => undefined,
      onClosed: () => undefined,
      clock,
    });
    const arrival = { instance: randomId(), receive };
    await requests.request({ type: "account.login.device", ...arrival });
    return { connection, requests, serverEnd };
  };
  return { connect, waiting, nudge, clock };
}

/** Resolves when everything that was sent has gone as far as it will go: some turns bring nothing new. */
export async function quiet(count: () => number): Promise<void> {
  for (let same = 0, before = count(); same < 20; same++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (count() !== before) [same, before] = [0, count()];
  }
}

import { Keeper } from "../../../client/engine/connection.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import { fromBase64url } from "../../../lib/base/bytes.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { signingKeyFromSeed } from "../../../lib/crypto/sign.ts";
import { Connection } from "../../../lib/wire/connection.ts";
import { dial } from "../../../lib/wire/tls.ts";
import { Village } from "./village.ts";

Deno.test("whoever stops at the moment at which a connection has opened is not kept waiting by it", async () => {
  await using village = await Village.make();
  const { deviceSeed } = await village.device("alice");
  const device = signingKeyFromSeed(fromBase64url(deviceSeed));
  let stopped: Promise<void> | undefined;
  const keeper: Keeper = new Keeper({
    open: async () => {
      const transport = await dial(village.pinned);
      const facts = { software: "test", role: "client" } as const;
      const expectIdentity = village.pinned.identity;
      const options = { device, facts, expectIdentity, clock: systemClock };
      const connection = await Connection.open(transport, options);
      stopped = keeper.stop();
      return connection;
    },
    instance: randomId(),
    clock: systemClock,
    onReady: () => {},
    onEvent: () => {},
    onRequest: () => {},
    onState: () => {},
  });
  await keeper.start({ keepTrying: false }).catch(() => undefined);
  await stopped;
});

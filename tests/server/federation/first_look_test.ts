import { deepStrictEqual, rejects } from "node:assert/strict";
import { silentLogger } from "../../../lib/base/log.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { Federation } from "../../../server/federation/federation.ts";
import type { PeerRow, Storage } from "../../../server/operations/contract.ts";
import { ManualClock } from "../../wire/kit.ts";

const mill: PeerRow = {
  peer: 1,
  fingerprint: "f".repeat(64),
  identity: "A".repeat(43),
  name: "mill",
  declared: "mill",
  address: null,
  pin: "fingerprint",
  state: "active",
  seen: null,
  addedAt: 1,
  linkedAt: 1,
  queued: 0,
  queuedBytes: 0,
};

Deno.test("who asks before it is known which servers are linked waits for that", async () => {
  const looked = Promise.withResolvers<{ readonly peers: readonly PeerRow[] }>();
  const call = (name: string) =>
    name === "peer.list" ? looked.promise : Promise.resolve({ ok: false, code: "no_such_server" });
  const federation = new Federation({
    identity: generateSigningKey(),
    serverName: "office",
    open: false,
    lobby: false,
    storage: { call, onNudges: () => undefined } as unknown as Storage,
    logger: silentLogger,
    clock: new ManualClock(),
  });
  void federation.start();
  const keys = { kind: "keys", name: "sam" } as const;
  // Away may be back in a moment; a server that is not linked is a final answer.
  const asked = rejects(federation.ask("mill", keys), { code: "server_away" });
  const nowhere = rejects(federation.ask("nowhere", keys), { code: "no_such_server" });
  const servers = federation.servers();
  looked.resolve({ peers: [mill] });
  await Promise.all([asked, nowhere]);
  deepStrictEqual(await servers, [{ name: "mill", identity: mill.identity, linked: false }]);
  await federation.close();
});

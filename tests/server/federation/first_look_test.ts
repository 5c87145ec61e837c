import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { silentLogger } from "../../../lib/base/log.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import type { PeerChannel } from "../../../server/federation/channel.ts";
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

/** One that looks at who is linked, which ends when the test says so. */
function looking() {
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
  return { federation, looked };
}

/** A line that another server has dialled and on which it says nothing; the code with which it is closed. */
function dialledBy(identity: Uint8Array) {
  const closed = Promise.withResolvers<string>();
  const channel: PeerChannel = {
    id: "1",
    dialled: "by_them",
    identity,
    remote: "there",
    send: (json) => closed.resolve(JSON.parse(json).code),
    receive: () => Promise.resolve(undefined),
    queuedAtMost: () => Promise.resolve(),
    probe: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  };
  return { channel, closed: closed.promise };
}

Deno.test("who dials before it is known which servers are linked is not told that nobody knows it", async () => {
  const { federation, looked } = looking();
  const { publicKey } = generateSigningKey();
  const added = dialledBy(publicKey);
  const stranger = dialledBy(generateSigningKey().publicKey);
  void federation.take(added.channel);
  void federation.take(stranger.channel);
  looked.resolve({ peers: [{ ...mill, fingerprint: fingerprintHex(publicKey) }] });
  // It is let in, and does not greet.
  strictEqual(await added.closed, "timeout");
  strictEqual(await stranger.closed, "peer_unknown");
  await federation.close();
});

Deno.test("who asks before it is known which servers are linked waits for that", async () => {
  const { federation, looked } = looking();
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

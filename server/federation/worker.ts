/**
 * The federation worker: links to other servers. It may use the network and nothing else; what is to be kept goes
 * through the storage worker.
 */
import { systemClock } from "../../lib/base/clock.ts";
import type { Logger } from "../../lib/base/log.ts";
import { signingKeyFromSeed } from "../../lib/crypto/sign.ts";
import { storageOver } from "../storage/proxy.ts";
import type { PeerChannel } from "./channel.ts";
import { attempt } from "../../lib/base/attempts.ts";
import type { FederationStart, FromFederation, ToFederation } from "./control.ts";
import { meet } from "./dialing.ts";
import { Federation } from "./federation.ts";
import { acceptPipes } from "./pipe_channel.ts";

let running: Federation | undefined;
let testHooks = false;

function post(message: FromFederation): void {
  self.postMessage(message);
}

const logger: Logger = {
  log: (level, event, fields = {}) => post({ kind: "log", level, event, fields }),
};

function start(input: FederationStart): void {
  testHooks = input.testHooks;
  const federation = new Federation({
    identity: signingKeyFromSeed(input.identitySeed),
    serverName: input.serverName,
    open: input.open,
    lobby: input.lobby,
    storage: storageOver(input.storage),
    clock: systemClock,
    logger,
    linkChanged: (server, linked) => {
      for (const pipes of accepted) pipes.linkChanged(server, linked);
    },
  });
  running = federation;
  const ready = federation.start();
  // Peers that dial are answered once it is known who they are.
  const services = {
    take: (channel: PeerChannel) => void ready.then(() => federation.take(channel)),
    ask: federation.ask.bind(federation),
    servers: () => federation.servers(),
  };
  const accepted = input.gateways.map((port) => acceptPipes(port, services));
}

async function met(id: number, address: string): Promise<void> {
  try {
    post({ kind: "met", id, met: await meet(address) });
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    post({ kind: "not_met", id, text });
  }
}

self.onmessage = ({ data }: MessageEvent<ToFederation>) => {
  switch (data.kind) {
    case "start":
      return start(data);
    case "links":
      return post({ kind: "links", id: data.id, links: running?.links() ?? [] });
    case "meet":
      return void met(data.id, data.address);
    case "open":
      running?.admitAll(data.open);
      return post({ kind: "opened", id: data.id });
    case "try":
      if (testHooks) {
        void attempt(data.what).then((result) => post({ kind: "tried", id: data.id, result }));
      }
      return;
    case "close":
      return void running?.close().then(() => post({ kind: "closed", id: data.id }));
  }
};

post({ kind: "up" });

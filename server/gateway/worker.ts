/**
 * The gateway worker: the only part of the server that faces the network. It can open no file; what it needs comes by
 * message from the supervisor.
 */
import { systemClock } from "../../lib/base/clock.ts";
import { armCrashPoint } from "../../lib/base/crashpoint.ts";
import type { Logger } from "../../lib/base/log.ts";
import { loadPasswordSupport } from "../../lib/crypto/password.ts";
import { signingKeyFromSeed } from "../../lib/crypto/sign.ts";
import { listenTls, type TlsListener } from "../../lib/wire/tls.ts";
import { storageOver } from "../storage/proxy.ts";
import { attempt } from "../../lib/base/attempts.ts";
import type {
  FromGateway,
  GatewaySettings,
  GatewayStart,
  ListenAddress,
  ToGateway,
} from "./control.ts";
import { Gateway } from "./gateway.ts";
import { gatewayLimits } from "./limits.ts";
import { acceptAll } from "./listen.ts";

interface Running {
  readonly gateway: Gateway;
  readonly listeners: readonly TlsListener[];
}

let running: Running | undefined;
let testHooks = false;

function post(message: FromGateway): void {
  self.postMessage(message);
}

const logger: Logger = {
  log: (level, event, fields = {}) => post({ kind: "log", level, event, fields }),
};

function start(input: GatewayStart): void {
  const listeners = listenOn(input);
  if (listeners === undefined) return;
  testHooks = input.testHooks;
  if (testHooks) armCrashPoint(input.crash, () => post({ kind: "crash" }));
  const gateway = new Gateway({
    index: input.index,
    identity: signingKeyFromSeed(input.identitySeed),
    serverName: input.serverName,
    authority: input.authority,
    opaqueSetup: input.opaqueSetup,
    registration: input.settings.registration,
    limits: { ...gatewayLimits, ...connectionLimitsOf(input.settings) },
    count: input.count,
    storage: storageOver(input.storage),
    clock: systemClock,
    logger,
  });
  running = { gateway, listeners };
  const take = gateway.take.bind(gateway);
  for (const listener of listeners) void acceptAll(listener, { clock: systemClock, logger, take });
  post({
    kind: "listening",
    addresses: listeners.map(({ hostname, port }) => ({ hostname, port })),
  });
  // The first login should not pay for loading.
  void loadPasswordSupport();
}

function connectionLimitsOf({ connections, connectionsPerAddress }: GatewaySettings) {
  return { connections, connectionsPerAddress };
}

function configure(settings: GatewaySettings): void {
  running?.gateway.configure(settings);
  post({ kind: "configured" });
}

function tellFigures(): void {
  if (running !== undefined) post({ kind: "figures", figures: running.gateway.figures() });
}

/** Listens on every address; says what went wrong when not one of them works. */
function listenOn(input: GatewayStart): TlsListener[] | undefined {
  const listeners: TlsListener[] = [];
  let problem: FromGateway | undefined;
  for (const address of input.listen) {
    try {
      listeners.push(listenTls({ ...input, ...address, reusePort: input.shared }));
    } catch (thrown) {
      problem ??= failure(thrown, address);
    }
  }
  // On most systems the IPv6 wildcard takes IPv4 too, and the second address is then in use by ourselves.
  if (listeners.length > 0) return listeners;
  if (problem !== undefined) post(problem);
  return undefined;
}

function failure(thrown: unknown, { hostname, port }: ListenAddress): FromGateway {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const where = `${hostname} port ${port}: ${text}`;
  if (thrown instanceof Deno.errors.AddrInUse) {
    return { kind: "failed", problem: "in_use", text: where };
  }
  if (thrown instanceof Deno.errors.PermissionDenied) {
    return { kind: "failed", problem: "denied", text: where };
  }
  if (thrown instanceof Deno.errors.InvalidData) {
    return { kind: "failed", problem: "certificate", text };
  }
  return { kind: "failed", problem: "other", text: where };
}

async function close(): Promise<void> {
  for (const listener of running?.listeners ?? []) listener.close();
  await running?.gateway.close();
  post({ kind: "closed" });
}

self.onmessage = ({ data }: MessageEvent<ToGateway>) => {
  switch (data.kind) {
    case "start":
      return start(data);
    case "peers":
      return running?.gateway.linkPeers(data.port);
    case "figures":
      return tellFigures();
    case "settings":
      return configure(data.settings);
    case "close":
      return void close();
    case "try":
      if (testHooks) {
        void attempt(data.what).then((result) => post({ kind: "tried", what: data.what, result }));
      }
  }
};

post({ kind: "up" });

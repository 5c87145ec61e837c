/**
 * The gateway worker: the only part of the server that faces the network. It can open no file; what it needs comes by
 * message from the supervisor.
 */
import { pause, systemClock } from "../../lib/base/clock.ts";
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
  readonly input: GatewayStart;
  readonly listeners: readonly TlsListener[];
  /** Settles when nobody accepts connections any more. */
  readonly over: Promise<unknown>;
}

/** How often and with what pause listening anew is tried: the system lets go of a port a moment after it was closed. */
const again = { times: 100, pauseMs: 20 };

let running: Running | undefined;
let testHooks = false;

function post(message: FromGateway): void {
  self.postMessage(message);
}

const logger: Logger = {
  log: (level, event, fields = {}) => post({ kind: "log", level, event, fields }),
};

function start(input: GatewayStart): void {
  const { listeners, problem } = listenOn(input);
  if (listeners.length === 0) return post(problem ?? { kind: "closed" });
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
  if (input.peers !== undefined) gateway.linkPeers(input.peers);
  running = { gateway, input, listeners, over: serve(gateway, listeners) };
  post({
    kind: "listening",
    addresses: listeners.map(({ hostname, port }) => ({ hostname, port })),
  });
  // The first login should not pay for loading.
  void loadPasswordSupport();
}

function serve(gateway: Gateway, listeners: readonly TlsListener[]): Promise<unknown> {
  const take = gateway.take.bind(gateway);
  return Promise.all(
    listeners.map((listener) => acceptAll(listener, { clock: systemClock, logger, take })),
  );
}

/** Listens anew with another certificate; connections that are there keep theirs. */
async function certify({ cert, key }: ToGateway & { kind: "certificate" }): Promise<void> {
  if (running === undefined) return;
  const { gateway, input: before, listeners, over } = running;
  for (const listener of listeners) listener.close();
  await over;
  let input: GatewayStart = { ...before, cert, key };
  let { listeners: anew, problem } = await listenAgain(input);
  if (anew.length === 0) {
    input = before;
    anew = (await listenAgain(before)).listeners;
  } else problem = undefined;
  const text = problem?.kind === "failed" ? problem.text : undefined;
  // Without anybody to take connections the server is of no use: it ends, and is started again.
  if (anew.length === 0) throw new Error(`listening anew: ${text ?? "impossible"}`);
  running = { gateway, input, listeners: anew, over: serve(gateway, anew) };
  post({ kind: "certified", problem: text });
}

/** As `listenOn`, with patience for a port that was only just let go. */
async function listenAgain(input: GatewayStart): Promise<ReturnType<typeof listenOn>> {
  for (let attempt = 1;; attempt++) {
    const tried = listenOn(input);
    const busy = tried.problem?.kind === "failed" && tried.problem.problem === "in_use";
    if (tried.listeners.length > 0 || !busy || attempt === again.times) return tried;
    await pause(systemClock, again.pauseMs);
  }
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

/** Listens on every address; `problem` is what went wrong first. */
function listenOn(
  input: GatewayStart,
): { readonly listeners: TlsListener[]; readonly problem: FromGateway | undefined } {
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
  return { listeners, problem };
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
    case "certificate":
      return void certify(data);
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

import { deepStrictEqual } from "node:assert/strict";
import type { SocketTransport, TlsListener } from "../../../lib/wire/tls.ts";
import { acceptAll } from "../../../server/gateway/listen.ts";
import { ManualClock, turns } from "../../wire/kit.ts";

const transport = (port: number): SocketTransport => ({
  remote: { hostname: "192.0.2.7", port },
  read: () => Promise.resolve(null),
  write: () => Promise.resolve(),
  close: () => undefined,
});

Deno.test("when the system gives no more connections the server waits a moment, says so, and goes on", async () => {
  const clock = new ManualClock();
  const steps: (() => Promise<SocketTransport | undefined>)[] = [
    () => Promise.resolve(transport(1)),
    () => Promise.reject(new Error("Too many open files (os error 24)")),
    () => Promise.reject(new Error("Too many open files (os error 24)")),
    () => Promise.resolve(transport(2)),
    () => Promise.resolve(undefined),
  ];
  const listener: TlsListener = {
    hostname: "::",
    port: 1,
    accept: () => steps.shift()?.() ?? Promise.resolve(undefined),
    close: () => undefined,
  };
  const taken: number[] = [];
  const logged: string[] = [];
  const accepting = acceptAll(listener, {
    clock,
    logger: { log: (_, event) => void logged.push(event) },
    take: ({ remote }) => void taken.push(remote.port),
  });
  await turns();
  deepStrictEqual([taken, logged], [[1], ["accept_failed"]]);
  await clock.advance(100);
  deepStrictEqual([taken, logged.length], [[1], 2]);
  await clock.advance(100);
  await accepting;
  deepStrictEqual(taken, [1, 2]);
});

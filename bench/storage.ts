/** How many messages a second go through the storage worker: stored, read by the other side and acknowledged. */
import { toBase64url } from "../lib/base/bytes.ts";
import { timeOrderedId } from "../lib/base/ids.ts";
import type { Actor, Arrival, Nudge, Storage } from "../server/operations/contract.ts";
import { storageOver } from "../server/storage/proxy.ts";
import { startStorage } from "../server/storage/start.ts";

const pairs = 10;
const inFlight = 64;
const messages = Number(Deno.args[0] ?? 100_000);
const bytes = crypto.getRandomValues(new Uint8Array(600));

const key = () => toBase64url(crypto.getRandomValues(new Uint8Array(32)));
let sessions = 0;
const arrival = (): Arrival => ({
  gateway: 0,
  session: `s${sessions++}`,
  instance: crypto.randomUUID(),
  receive: true,
  replace: false,
});

async function register(storage: Storage, name: string) {
  const actor: Actor = { account: crypto.randomUUID(), device: key() };
  const registered = await storage.call("account.register", {
    ...actor,
    name,
    remote: "bench",
    accountKey: key(),
    record: "record",
    vault: new Uint8Array(100),
    certificate: key(),
    label: "bench",
    arrival: arrival(),
  });
  if (!registered.ok) throw new Error(registered.code);
  return actor;
}

async function makePair(storage: Storage, index: number) {
  const from = await register(storage, `from${index}`);
  const to = await register(storage, `to${index}`);
  const conversation: string = crypto.randomUUID();
  const created = await storage.call("conversation.create", {
    ...from,
    conversation,
    kind: "direct",
    with: to.account,
    hash: key(),
    roster: [from, to],
    commit: new Uint8Array(1000),
    welcome: new Uint8Array(1000),
    groupInfo: new Uint8Array(1000),
    membership: { add: [], remove: [], roles: [] },
  });
  if (!created.ok) throw new Error(created.code);
  return { from, to, conversation, read: 0, got: 0, reading: false };
}

const dataDir = await Deno.makeTempDir();
const handle = await startStorage({ dataDir, registrationsPerHour: 1_000_000 });
const storage = storageOver(handle.connect());
const all = await Promise.all(
  Array.from({ length: pairs }, (_, index) => makePair(storage, index)),
);
const byId = new Map(all.map((pair) => [pair.conversation, pair]));
const perPair = Math.floor(messages / pairs);
const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
let received = 0;

/** What a gateway does after a nudge: read what is there, and the receiver acknowledges it. */
async function pull(pair: typeof all[number]): Promise<void> {
  if (pair.reading) return;
  pair.reading = true;
  for (let more = true; more;) {
    const result = await storage.call("log.read", {
      ...pair.to,
      conversation: pair.conversation,
      after: pair.read,
      limit: 256,
      maxBytes: 512 * 1024,
    });
    if (!result.ok) throw new Error(result.code);
    const last = result.rows.at(-1);
    more = last !== undefined;
    if (last === undefined) break;
    pair.read = last.seq;
    received += result.rows.filter((row) => row.type === "message").length;
    const acks = [{ conversation: pair.conversation, seq: last.seq }];
    storage.call("message.ack", { ...pair.to, acks });
  }
  pair.reading = false;
  if (received >= perPair * pairs) finish();
}

storage.onNudges((nudges: readonly Nudge[]) => {
  for (const nudge of nudges) {
    const pair = nudge.kind === "log" ? byId.get(nudge.conversation) : undefined;
    if (pair !== undefined) void pull(pair);
  }
});

async function send(pair: typeof all[number], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const sent = await storage.call("message.send", {
      ...pair.from,
      conversation: pair.conversation,
      message: timeOrderedId(Date.now()),
      epoch: 1,
      bytes,
    });
    if (!sent.ok) throw new Error(sent.code);
  }
}

const begin = performance.now();
await Promise.all(
  all.flatMap((pair) =>
    Array.from({ length: inFlight }, () => send(pair, Math.floor(perPair / inFlight)))
  ),
);
const sentAfter = performance.now() - begin;
const total = Math.floor(perPair / inFlight) * inFlight * pairs;
if (received < total) await Promise.race([finished, new Promise((r) => setTimeout(r, 200))]);
const seconds = (performance.now() - begin) / 1000;
const status = await handle.status();
await handle.close();
await Deno.remove(dataDir, { recursive: true });
console.log(
  `${total} messages of ${bytes.length} bytes, ${pairs} pairs, ${inFlight} in flight: ` +
    `${Math.round(total / seconds)} stored, read and acknowledged per second ` +
    `(all stored after ${Math.round(sentAfter)} ms; ${received} read; ` +
    `${(status.operations / status.transactions).toFixed(1)} operations per transaction, ` +
    `${status.failures} failed)`,
);

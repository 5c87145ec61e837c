/** What load generators have in common: how they are told and tell, and clients that cost little. */
import { fromBase64url } from "../lib/base/bytes.ts";
import { Connection } from "../lib/wire/connection.ts";
import { dial, type PinnedServer } from "../lib/wire/tls.ts";
import type { Party } from "../tests/kit/conversation.ts";
import { newAccount, WireClient } from "../tests/kit/wire_client.ts";

/** Bytes of ciphertext: what MLS makes of a padded text of 256 bytes. */
export const messageBytes = 600;

const lines = readLines(Deno.stdin.readable);

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** Whoever started the generator wants no more of it. */
class InputEnded extends Error {}

/** The next line that whoever started the generator writes. */
export async function nextLine(): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new InputEnded();
  return value;
}

/** Prints one line of JSON. */
export function say(what: object): void {
  console.log(JSON.stringify(what));
}

/** A new account, logged in. */
export async function party(server: PinnedServer, name: string): Promise<Party> {
  const client = await WireClient.connect(server);
  const account = newAccount(name);
  await client.register(account);
  return { client, account };
}

/** The party's device on a bare connection: the generator itself has to be quick. */
export async function bare(server: PinnedServer, { client }: Party): Promise<Connection> {
  const { device, instance } = client;
  await client.requests.close();
  const connection = await Connection.open(await dial(server), {
    device,
    facts: { software: "bench", role: "client" },
    expectIdentity: server.identity,
  });
  connection.send({ type: "account.login.device", id: 0, instance, receive: true });
  for (;;) {
    const arrived = await connection.receive();
    if (arrived === undefined) throw new Error("the connection ended");
    if (arrived.some(({ message }) => message.type === "account.login.device.ok")) {
      return connection;
    }
  }
}

/** Where a pair's receiver is: a linked server under its name at the sender's. */
export interface Elsewhere {
  readonly server: PinnedServer;
  readonly name: string;
}

/**
 * Runs one workload against the server whose address comes as the first line, perhaps with that of a second one, and ends
 * the process.
 */
export async function generate(
  run: (server: PinnedServer, elsewhere: Elsewhere | undefined) => Promise<void>,
): Promise<never> {
  const { elsewhere, ...first } = JSON.parse(await nextLine());
  const pinned = ({ host, port, identity, authority }: typeof first) => ({
    host,
    port,
    authority,
    identity: fromBase64url(identity),
  });
  const second = elsewhere && { server: pinned(elsewhere.server), name: elsewhere.name };
  try {
    await run(pinned(first), second);
  } catch (thrown) {
    if (!(thrown instanceof InputEnded)) throw thrown;
  }
  Deno.exit(0);
}

/** Resolves after so many milliseconds. */
export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

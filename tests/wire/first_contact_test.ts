import assert from "node:assert/strict";
import { clientLimits } from "../../lib/base/limits.ts";
import { fingerprint } from "../../lib/crypto/fingerprint.ts";
import { ContactError } from "../../lib/wire/contact_error.ts";
import { firstContact } from "../../lib/wire/first_contact.ts";
import { dial } from "../../lib/wire/tls.ts";
import { answerChecks, makeServerIdentity, tlsServer } from "./kit.ts";

/** Accepts connections on loopback and hands them to `serve`; closes what is left at the end. */
function lineServer(listener: Deno.Listener, serve: (conn: Deno.Conn) => Promise<void> | void) {
  const open = new Set<Deno.Conn>();
  const served: Promise<void>[] = [];
  const loop = (async () => {
    for await (const conn of listener) {
      open.add(conn);
      served.push(Promise.resolve(serve(conn)).catch(ignoreClosed));
    }
  })().catch(ignoreClosed);
  const { port } = listener.addr as Deno.NetAddr;
  return {
    port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) tryClose(conn);
      await loop;
      await Promise.all(served);
    },
  };
}

function ignoreClosed(thrown: unknown): void {
  if (!(thrown instanceof Error)) throw thrown;
}

function tryClose(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (thrown) {
    ignoreClosed(thrown);
  }
}

const loopback = { hostname: "127.0.0.1", port: 0 } as const;

/** Longer than anything takes on a busy machine, in ms. */
const patienceMs = 60_000;

async function kindOf(contact: Promise<unknown>): Promise<string> {
  const thrown = await contact.then(() => undefined, (reason) => reason);
  assert.ok(thrown instanceof ContactError, String(thrown));
  assert.match(thrown.message, /^[^\n]{20,140}$/);
  return thrown.kind;
}

/** Both ways in find the same. */
async function kindsAt(port: number, connectMs = patienceMs) {
  const { identity, authority } = await makeServerIdentity();
  const target = { host: "127.0.0.1", port, connectMs };
  return await Promise.all([
    kindOf(firstContact(target)),
    kindOf(dial({ ...target, identity: identity.publicKey, authority })),
  ]);
}

Deno.test("the first contact learns identity, name and authority, which then verify the real connection", async () => {
  await using server = await tlsServer(answerChecks);
  for (const host of ["127.0.0.1", "localhost"]) {
    const found = await firstContact({ host, port: server.port });
    assert.deepEqual(found.identity, server.identity.publicKey);
    assert.equal(found.fingerprint, fingerprint(server.identity.publicKey));
    assert.equal(found.name, "test");
    assert.equal(found.authority, server.authority);
    const { identity, authority } = found;
    (await dial({ host, port: server.port, identity, authority })).close();
  }
});

Deno.test("a host that does not exist is unknown", async () => {
  const target = { host: "no-such-host.invalid", port: 1357, connectMs: patienceMs };
  assert.equal(await kindOf(firstContact(target)), "unknown_host");
});

Deno.test("a port where nothing listens refuses", async () => {
  // No test running beside this one can be given this port.
  assert.deepEqual(await kindsAt(1), ["refused", "refused"]);
});

Deno.test("a plain HTTP server is recognised as not speaking TLS", async () => {
  await using server = lineServer(Deno.listen(loopback), async (conn) => {
    await conn.read(new Uint8Array(65_536));
    await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    conn.close();
  });
  assert.deepEqual(await kindsAt(server.port), ["not_tls", "not_tls"]);
});

Deno.test("a service that speaks first in plain text is recognised as not speaking TLS", async () => {
  await using server = lineServer(Deno.listen(loopback), async (conn) => {
    await conn.write(new TextEncoder().encode("SSH-2.0-OpenSSH_9.9\r\n"));
  });
  assert.deepEqual(await kindsAt(server.port), ["not_tls", "not_tls"]);
});

Deno.test("a server that accepts and says nothing is silent, in the time given", async () => {
  await using server = lineServer(Deno.listen(loopback), () => {});
  const target = { host: "127.0.0.1", port: server.port };
  for (let ms = 300;; ms *= 3) {
    const done: string[] = [];
    const stop = new AbortController();
    // As long as it takes when nothing is said of the time: were that so always, the one that began first would end first.
    const usual = firstContact({ ...target, signal: stop.signal }).catch(() => done.push("usual"));
    const given = kindsAt(server.port, ms).finally(() => done.push("given"));
    const kinds = await given;
    stop.abort(new Error("enough"));
    await usual;
    // A busy machine may not get as far as being connected in so short a time.
    if (kinds.includes("unreachable") && ms < clientLimits.connectMs / 3) continue;
    assert.deepEqual([kinds, done], [["silent", "silent"], ["given", "usual"]]);
    return;
  }
});

Deno.test("a server that hangs up at once closed", async () => {
  await using server = lineServer(Deno.listen(loopback), (conn) => conn.close());
  for (const kind of await kindsAt(server.port)) assert.equal(kind, "closed");
});

Deno.test("a TLS service with another ALPN is some other service", async () => {
  const { cert, key } = await makeServerIdentity();
  const other = Deno.listenTls({ ...loopback, cert, key, alpnProtocols: ["http/1.1"] });
  await using server = lineServer(other, async (conn) => {
    await conn.read(new Uint8Array(10));
  });
  assert.equal(await kindsAtUnverified(server.port), "not_sealpost");
});

Deno.test("a TLS service without ALPN is some other service, whether it talks or not", async () => {
  const { cert, key } = await makeServerIdentity();
  await using silent = lineServer(Deno.listenTls({ ...loopback, cert, key }), async (conn) => {
    await conn.read(new Uint8Array(10));
  });
  await using http = lineServer(Deno.listenTls({ ...loopback, cert, key }), async (conn) => {
    await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
  });
  assert.equal(await kindsAtUnverified(silent.port), "not_sealpost");
  assert.equal(await kindsAtUnverified(http.port), "not_sealpost");
});

Deno.test("a TLS service that claims our protocol and sends garbage is some other service", async () => {
  const { cert, key } = await makeServerIdentity();
  for (const garbage of ["\0\0\0\x02\0\0\0\0[]" + "x".repeat(64), "HTTP/1.1 200 OK\r\n\r\n"]) {
    const listener = Deno.listenTls({ ...loopback, cert, key, alpnProtocols: ["sealpost/1"] });
    await using server = lineServer(listener, async (conn) => {
      await conn.write(new TextEncoder().encode(garbage));
    });
    assert.equal(await kindsAtUnverified(server.port), "not_sealpost");
  }
});

/** The first contact only: dialling already refuses the certificate. */
function kindsAtUnverified(port: number): Promise<string> {
  return kindOf(firstContact({ host: "127.0.0.1", port, connectMs: patienceMs }));
}

Deno.test("the first contact gives up when its signal aborts", async () => {
  await using server = lineServer(Deno.listen(loopback), () => {});
  const stop = new AbortController();
  const contact = firstContact({ host: "127.0.0.1", port: server.port, signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(contact, { message: "enough" });
});

/** What people are told who start the client where there is no Sealpost server: one line, exit code 3, soon. */
import assert from "node:assert/strict";
import { clientLimits } from "../../lib/base/limits.ts";
import { createCertificateAuthority, createServerCertificate } from "../../lib/crypto/x509.ts";
import { TempFolder } from "../kit/folder.ts";
import { run } from "../kit/program.ts";

/** Something that listens and is no Sealpost server; `serve` gets each connection. */
function other(listener: Deno.Listener, serve: (conn: Deno.Conn) => unknown) {
  const open: Deno.Conn[] = [];
  const loop = (async () => {
    for await (const conn of listener) {
      open.push(conn);
      await Promise.resolve(serve(conn)).catch(() => undefined);
    }
  })().catch(() => undefined);
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) conn.close();
      await loop;
    },
  };
}

const http = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
const loopback = { hostname: "127.0.0.1", port: 0 };

async function otherTlsService() {
  const identityHex = "11".repeat(32);
  const ca = await createCertificateAuthority({ serverName: "other", identityHex });
  const issued = await createServerCertificate({ ca, identityHex, hosts: ["localhost"] });
  const listener = Deno.listenTls({
    ...loopback,
    cert: issued.certificate,
    key: issued.privateKey,
  });
  return other(listener, (conn) => (conn as Deno.TlsConn).handshake());
}

Deno.test("where there is no Sealpost server the client says in one line what is there, with exit code 3, within 10 s", async () => {
  await using folder = await TempFolder.make();
  await using web = other(Deno.listen(loopback), async (conn) => {
    await conn.read(new Uint8Array(1024));
    await conn.write(http);
  });
  await using silent = other(Deno.listen(loopback), () => undefined);
  await using hangsUp = other(Deno.listen(loopback), (conn) => (conn as Deno.TcpConn).closeWrite());
  await using tls = await otherTlsService();
  const expected: [string, string, RegExp][] = [
    ["no-such-host.invalid", "5000", /there is no host called "no-such-host\.invalid"/],
    ["127.0.0.1", "1", /refuses connections on port 1/],
    ["127.0.0.1", `${web.port}`, /does not speak TLS/],
    ["127.0.0.1", `${silent.port}`, /accepts connections but says nothing/],
    ["127.0.0.1", `${hangsUp.port}`, /closed the connection|does not speak TLS/],
    ["localhost", `${tls.port}`, /some other service|not a Sealpost server/],
  ];
  await Promise.all(expected.map(async ([host, port, text]) => {
    const { code, out, err } = await run(["client", host, port], { home: folder.path });
    assert.equal(code, 3, `${text}: ${err}`);
    assert.equal(out, "");
    assert.match(err, text);
    // What to do about it stands after what is there.
    assert.match(err, /^sealpost: [^\n]+; [^\n]+$/);
  }));
  // That it takes no longer than this is tried in tests/wire/first_contact_test.ts, where no program has to start first.
  assert.ok(clientLimits.connectMs < 10_000);
});

Deno.test("what cannot be a port or an address is a mistake of usage, said in one line", async () => {
  await using folder = await TempFolder.make();
  for (
    const [host, port] of [["localhost", "70000"], ["localhost", "abc"], ["localhost", "0"], [
      "localhost",
      "",
    ]]
  ) {
    const { code, err } = await run(["client", host ?? "", port ?? ""], { home: folder.path });
    assert.equal(code, 2, `${port}: ${err}`);
    assert.match(err, /^sealpost: [^\n]+$/);
  }
});

Deno.test("a word that is none of a command's actions is answered with those that are", async () => {
  await using folder = await TempFolder.make();
  const { code, err } = await run(["client", "group", "join"], { home: folder.path });
  assert.equal(code, 2);
  assert.match(err, /^sealpost: "join" is not one of: create, list, members, [^\n]+$/);
});

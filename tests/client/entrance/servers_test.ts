import assert from "node:assert/strict";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { fingerprintHex } from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import {
  formatLink,
  type KnownServer,
  KnownServers,
  parseServerAddress,
} from "../../../client/engine/servers.ts";
import { TempFolder } from "../../kit/folder.ts";

const digits = "0123456789abcdef".repeat(4);

Deno.test("addresses are read in every form that people write", () => {
  const cases: Record<string, { host: string; port: number; fingerprint?: string }> = {
    "example.org": { host: "example.org", port: 1357 },
    " Example.org:5000 ": { host: "example.org", port: 5000 },
    "127.0.0.1:65535": { host: "127.0.0.1", port: 65535 },
    "::1": { host: "::1", port: 1357 },
    "[::1]": { host: "::1", port: 1357 },
    "[fe80::1%eth0]:5000": { host: "fe80::1%eth0", port: 5000 },
    [`sealpost://example.org:5000/#${digits}`]: {
      host: "example.org",
      port: 5000,
      fingerprint: digits,
    },
    [`SEALPOST://[::1]:5000#${digits.toUpperCase()}`]: {
      host: "::1",
      port: 5000,
      fingerprint: digits,
    },
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert.deepEqual(parseServerAddress(text), expected, text);
  }
});

Deno.test("what is no address is a mistake of usage, said in one line", () => {
  const bad = [
    "",
    ":5000",
    "host:",
    "host:0",
    "host:70000",
    "host:abc",
    "host:5000:6000x",
    "-host:1",
    "ho st",
    "[::1",
    "[zz]:1",
    "a/b",
    "sealpost://host:5000",
    "sealpost://host:5000/",
    "sealpost://host:5000/#1234",
    `sealpost:///#${digits}`,
    `sealpost://host:0/#${digits}`,
  ];
  for (const text of bad) {
    assert.throws(
      () => parseServerAddress(text),
      (error) =>
        error instanceof ExitError && error.reason === "usage" && !error.message.includes("\n"),
      JSON.stringify(text),
    );
  }
});

Deno.test("a link comes back as it was made", () => {
  for (const host of ["example.org", "::1", "10.0.0.1"]) {
    const address = { host, port: 5000, fingerprint: digits };
    assert.deepEqual(parseServerAddress(formatLink(address)), address);
  }
});

function someServer(change: Partial<KnownServer> = {}): KnownServer {
  return {
    host: "example.org",
    port: 5000,
    identity: generateSigningKey().publicKey,
    authority: "PEM",
    name: "home",
    firstSeen: 1,
    by: "confirmed",
    ...change,
  };
}

Deno.test("a pinned server is found again by its address and by its identity", async () => {
  await using folder = await TempFolder.make();
  const server = someServer();
  new KnownServers(`${folder.path}/new/client`).pin(server);
  const servers = new KnownServers(`${folder.path}/new/client`);
  assert.deepEqual(servers.find({ host: "example.org", port: 5000 }), server);
  assert.deepEqual(servers.byFingerprint(fingerprintHex(server.identity)), server);
  assert.equal(servers.find({ host: "example.org", port: 5001 }), undefined);
  assert.equal(servers.last(), undefined);
});

Deno.test("the last server and its last account are remembered, under all its addresses", async () => {
  await using folder = await TempFolder.make();
  const servers = new KnownServers(folder.path);
  const home = someServer();
  const again = { ...home, host: "10.0.0.1" };
  const other = someServer({ host: "other.org" });
  for (const server of [home, again, other]) servers.pin(server);
  servers.used(other, "zoe");
  servers.used(home, "sam");
  assert.equal(servers.last()?.host, "example.org");
  assert.equal(servers.last()?.lastUser, "sam");
  assert.equal(servers.find(again)?.lastUser, "sam");
  assert.equal(servers.find(other)?.lastUser, "zoe");
  const { mode } = await Deno.stat(`${folder.path}/servers.json`);
  assert.equal((mode ?? 0) & 0o777, 0o600);
});

Deno.test("a damaged list of servers is an error and stays as it is", async () => {
  await using folder = await TempFolder.make();
  const path = `${folder.path}/servers.json`;
  for (const text of ["", "{", '{"v":2,"servers":[]}', '{"v":1,"servers":[{"host":1}]}']) {
    await Deno.writeTextFile(path, text);
    const servers = new KnownServers(folder.path);
    const localData = (error: unknown) =>
      error instanceof ExitError && error.reason === "localData";
    assert.throws(() => servers.last(), localData);
    assert.throws(() => servers.pin(someServer()), localData);
    assert.equal(await Deno.readTextFile(path), text);
  }
});

import assert from "node:assert/strict";
import {
  fingerprintHex,
  formatFingerprint,
  parseFingerprint,
} from "../../../lib/crypto/fingerprint.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { createCertificateAuthority } from "../../../lib/crypto/x509.ts";
import { ContactError } from "../../../lib/wire/contact_error.ts";
import { parseServerAddress } from "../../../client/engine/servers.ts";
import { TrustError } from "../../../client/engine/trust_error.ts";
import { TestServer } from "../../kit/server.ts";
import { storiesIn } from "../../kit/stories.ts";
import { House, password } from "./house.ts";

const host = "127.0.0.1";

/** The house's link with the address under which tests reach it. */
function linkOf(house: House) {
  return { ...parseServerAddress(house.server.ready.link), host };
}

const test = storiesIn(House.make, "which server it is");

test("an unknown server is shown once, then known, under its other addresses too", async (house) => {
  const { fingerprint } = house.server.ready;
  await (await house.come({ machine: "laptop" })).check("sam");
  await (await house.come({ machine: "laptop" })).check("sam");
  await (await house.come({ machine: "laptop", address: "last" }).catch((error) => {
    assert.match(String(error), /Which server/, "looking is not yet using");
    return house.come({ machine: "laptop" });
  })).check("sam");
  const address = { host: "localhost", port: house.port };
  await (await house.come({ machine: "laptop", address })).check("sam");
  assert.deepEqual(house.questions, [formatFingerprint(parseFingerprint(fingerprint))]);
});

test("a server that nobody vouches for gets nothing and is not remembered", async (house) => {
  await assert.rejects(
    house.come({ machine: "laptop", trusting: false }),
    (error) => error instanceof TrustError && error.message.includes("nothing was sent"),
  );
  await assert.rejects(Deno.stat(house.home("laptop")), Deno.errors.NotFound);
});

test("a link answers the question of trust, and a wrong one is refused, known server or not", async (house) => {
  const link = linkOf(house);
  const wrong = { ...link, fingerprint: fingerprintHex(generateSigningKey().publicKey) };
  const both = (error: unknown) =>
    error instanceof TrustError &&
    [link, wrong].every(({ fingerprint }) =>
      error.message.includes(formatFingerprint(parseFingerprint(fingerprint ?? "")))
    );
  await assert.rejects(house.come({ machine: "laptop", address: wrong }), both);
  const entrance = await house.come({ machine: "laptop", address: link });
  assert.equal(await entrance.check("sam3"), false);
  await assert.rejects(house.come({ machine: "laptop", address: wrong }), both);
  assert.deepEqual(house.questions, []);
});

Deno.test("another server at a known address is refused with both fingerprints; nothing is sent", async () => {
  await using house = await House.make();
  const sam = await house.resident("Sam");
  await sam.stop();
  const before = house.server.ready.fingerprint;
  await house.server.stop();
  const home = `${house.folder}/impostor`;
  await Deno.mkdir(home);
  await using impostor = await TestServer.start({ home, port: house.port });
  const both = (error: unknown) =>
    error instanceof TrustError &&
    [before, impostor.ready.fingerprint].every((fingerprint) =>
      error.message.includes(formatFingerprint(parseFingerprint(fingerprint)))
    );
  const entrance = await house.come({ machine: "Sam" });
  await assert.rejects(entrance.check("sam"), both);
  await assert.rejects(entrance.register({ name: "zoe", password, remember: false }), both);
  const engine = house.keep(await entrance.login({ name: "sam", remember: false }));
  await assert.rejects(engine.start({ receive: false, keepTrying: false }), both);
  assert.equal(engine.connection().kind, "stopped");
  const events = (await impostor.log()).map(({ event }) => String(event));
  assert.deepEqual(events.filter((event) => /login|register|ready_session/.test(event)), []);
});

test("a server that made itself a new authority is still the same server", async (house) => {
  const sam = await house.resident("Sam4", "Sam");
  await sam.stop();
  const known = `${house.home("Sam")}/client/servers.json`;
  const identityHex = "11".repeat(32);
  const foreign = await createCertificateAuthority({ serverName: "other", identityHex });
  // As if the pin were of before the renewal.
  const contents = JSON.parse(await Deno.readTextFile(known));
  const { authority } = contents.servers[0];
  contents.servers[0].authority = foreign.certificate;
  await Deno.writeTextFile(known, JSON.stringify(contents));
  const entrance = await house.come({ machine: "Sam" });
  assert.equal(await entrance.check("sam4"), true);
  assert.equal(JSON.parse(await Deno.readTextFile(known)).servers[0].authority, authority);
});

test("where there is no server that is what is said", async (house) => {
  // A port that nobody can be given meanwhile.
  await assert.rejects(
    house.come({ machine: "laptop", address: { host, port: 1 } }),
    (error) => error instanceof ContactError && error.kind === "refused",
  );
});

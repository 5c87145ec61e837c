import assert from "node:assert/strict";
import { toBase64url } from "../../../lib/base/bytes.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { certifies } from "../../../client/engine/certified.ts";
import { Directory } from "../../../client/engine/directory.ts";
import type { Requester } from "../../../client/engine/connection.ts";
import { isAddress, splitAddress } from "../../../client/engine/address.ts";
import { TempFolder } from "../../kit/folder.ts";
import { FakeDirectory } from "./fake_directory.ts";
import { furtherDevice, type LightProfile, lightProfile, someIdentity } from "./light_profile.ts";

interface World extends AsyncDisposable {
  readonly home: FakeDirectory;
  readonly mill: FakeDirectory;
  readonly profile: LightProfile;
  readonly warnings: string[];
  /** Where one's own server knows accounts of linked servers to be, by id. */
  readonly homes: Map<string, string>;
  /** What one's own server makes of a question to "mill"; hands it on by default. */
  route: (
    mill: FakeDirectory,
    asked: object,
  ) => { readonly to: FakeDirectory; readonly identity?: string };
  /** A directory as a new process would make it, on the same profile. */
  directory(): Directory;
}

/** "me-myself" at home; "Sam" at home and another "Sam" at the mill. */
async function world(): Promise<World> {
  const folder = await TempFolder.make();
  const [home, mill] = [new FakeDirectory(), new FakeDirectory()];
  const me = someIdentity({ name: "me-myself", serverKey: home.identity.publicKey });
  home.add(me);
  home.add(someIdentity({ name: "Sam", serverKey: home.identity.publicKey }));
  mill.add(someIdentity({ name: "Sam", serverKey: mill.identity.publicKey }));
  const profile = lightProfile(folder.path, me);
  const warnings: string[] = [];
  const w: World = {
    home,
    mill,
    profile,
    warnings,
    homes: new Map(),
    route: (to) => ({ to, identity: toBase64url(to.identity.publicKey) }),
    directory: () =>
      new Directory({
        profile,
        server: { request: (message, ...rest) => ask(message, ...rest) },
        clock: systemClock,
        warn: (text) => warnings.push(text),
      }),
    async [Symbol.asyncDispose]() {
      profile[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
  const ask: Requester["request"] = async (message, ...rest) => {
    const known = homeOf(w, message);
    if (known !== undefined) {
      const reply = await ask({ ...message, server: known }, ...rest);
      Object.assign(Object(reply.message), { server: known });
      return reply;
    }
    if (!("server" in message) || message.server === undefined) {
      return await home.server.request(message, ...rest);
    }
    const { to, identity } = w.route(mill, message);
    const reply = await to.server.request(message, ...rest);
    if (message.type === "directory.keys" && identity !== undefined) {
      Object.assign(Object(reply.message), { identity });
    }
    return reply;
  };
  return w;
}

/** Where one's own server hands a question about an account's id on to. */
function homeOf({ homes }: World, message: object): string | undefined {
  if ("server" in message || !("account" in message)) return undefined;
  return homes.get(String(message.account));
}

const untrusted = (text: RegExp) => (error: AppError) =>
  error.code === "tampered" && text.test(error.message);

Deno.test("an account of a linked server is proved by that server's own log, and is nobody of one's own", async () => {
  await using w = await world();
  const directory = w.directory();
  const there = await directory.keysOf({ name: "sam@Mill" });
  assert.equal(there.name, "Sam@mill");
  assert.deepEqual(there.accountKey, w.mill.account("sam").identity.certificate.accountKey);
  const here = await directory.keysOf({ name: "sam" });
  assert.notEqual(here.account, there.account);
  const again = await directory.keysOf({ account: there.account }, { fresh: true });
  assert.equal(again.name, "Sam@mill");
  assert.equal(directory.contacts.byName("sam@mill")?.account, there.account);
  w.mill.addDevice(furtherDevice(w.mill.account("sam").identity));
  const grown = await directory.keysOf({ name: "sam@mill" }, { fresh: true });
  assert.equal(grown.devices.length, 2);
  assert.deepEqual(w.warnings, []);
});

Deno.test("whoever is known of a server that is not linked is asked for by the account", async () => {
  await using w = await world();
  const { accountId } = w.mill.account("sam").identity.certificate;
  w.homes.set(accountId, "mill");
  const directory = w.directory();
  const hand = w.route;
  // Others pass on what the mill says of an account that they know, and nothing else.
  w.route = (mill, asked) => {
    if ("name" in asked) throw new AppError("no_such_server");
    return hand(mill, asked);
  };
  await assert.rejects(directory.keysOf({ name: "sam@mill" }), { code: "no_such_server" });
  const met = await directory.keysOf({ account: accountId });
  assert.equal(met.name, "Sam@mill");
  const known = await directory.keysOf({ name: "SAM@mill" }, { fresh: true });
  assert.deepEqual([known.name, known.account], ["Sam@mill", accountId]);
  assert.equal(directory.contacts.byName("sam@mill")?.verified, false);
  await assert.rejects(directory.keysOf({ name: "rae@mill" }), { code: "no_such_server" });
  // A lie about whom one knows is found out as ever.
  const swapped = toBase64url(generateSigningKey().publicKey);
  w.mill.lies.keys = (honest) => ({ ...honest, accountKey: swapped });
  await assert.rejects(
    directory.keysOf({ name: "sam@mill" }, { fresh: true }),
    untrusted(/linked server mill's directory cannot be trusted/),
  );
});

Deno.test("one's own server cannot put other keys into a linked server's mouth", async (t) => {
  const swapped = toBase64url(generateSigningKey().publicKey);
  const lies: Record<string, (w: World) => void> = {
    "another account key": (w) =>
      w.mill.lies.keys = (honest) => ({ ...honest, accountKey: swapped }),
    "no device's certificate by the account": (w) =>
      w.mill.lies.keys = (honest) => ({
        ...honest,
        certificates: [toBase64url(w.home.account("sam").identity.certificate.bytes)],
      }),
    "a checkpoint signed by one's own server": (w) =>
      w.mill.lies.keys = (honest) => ({ ...honest, checkpoint: w.home.checkpoint() }),
    "the account of the same name at home": (w) =>
      w.route = (mill) => ({ to: w.home, identity: toBase64url(mill.identity.publicKey) }),
  };
  for (const [name, lie] of Object.entries(lies)) {
    await t.step(name, async () => {
      await using w = await world();
      lie(w);
      await assert.rejects(
        w.directory().keysOf({ name: "sam@mill" }),
        untrusted(/linked server mill's directory cannot be trusted/),
      );
      assert.equal(w.directory().contacts.byName("sam@mill"), undefined);
      assert.equal(w.warnings.length, 1);
    });
  }
});

Deno.test("behind a linked server's name stands the identity that was seen first, or nothing is believed", async () => {
  await using w = await world();
  await w.directory().keysOf({ name: "sam@mill" });
  const impostor = new FakeDirectory();
  impostor.add(someIdentity({ name: "Sam", serverKey: impostor.identity.publicKey }));
  w.route = () => ({ to: impostor, identity: toBase64url(impostor.identity.publicKey) });
  const directory = w.directory();
  await assert.rejects(
    directory.keysOf({ name: "sam@mill" }),
    untrusted(/another server stands behind/),
  );
  // A person hears from the operators that it is right.
  directory.linked.forget();
  await assert.rejects(directory.keysOf({ name: "sam@mill" }), { code: "blocked" });
  w.route = (mill) => ({ to: mill, identity: toBase64url(w.home.identity.publicKey) });
  await assert.rejects(w.directory().keysOf({ name: "sam@other" }), { code: "no_such_server" });
  w.route = (mill) => ({ to: mill });
  await assert.rejects(w.directory().keysOf({ name: "sam@third" }), { code: "malformed" });
});

Deno.test("a linked server cannot tell two stories, but an older page of the same story is none", async () => {
  await using w = await world();
  const fork = w.mill.fork();
  const directory = w.directory();
  w.mill.addDevice(furtherDevice(w.mill.account("sam").identity));
  await directory.keysOf({ name: "sam@mill" });
  const old = w.mill.fork();
  w.mill.add(someIdentity({ name: "rae", serverKey: w.mill.identity.publicKey }));
  await directory.keysOf({ name: "rae@mill" });
  // From the memory of one's own server, while the mill is away: proofs are asked of the newer one.
  w.route = (mill) => ({ to: w.mill, identity: toBase64url(mill.identity.publicKey) });
  w.mill.lies.keys = () => old.keysOf("sam");
  await directory.keysOf({ name: "sam@mill" }, { fresh: true });
  delete w.mill.lies.keys;
  fork.add(someIdentity({ name: "eve", serverKey: w.mill.identity.publicKey }));
  fork.add(someIdentity({ name: "mallory", serverKey: w.mill.identity.publicKey }));
  fork.add(someIdentity({ name: "trudy", serverKey: w.mill.identity.publicKey }));
  fork.add(someIdentity({ name: "oscar", serverKey: w.mill.identity.publicKey }));
  w.route = (mill) => ({ to: fork, identity: toBase64url(mill.identity.publicKey) });
  await assert.rejects(
    directory.keysOf({ name: "eve@mill" }),
    untrusted(/does not continue what it showed before/),
  );
});

Deno.test("an account that is known by its id alone is asked for where one's own server says it is", async () => {
  await using w = await world();
  const { certificate } = w.mill.account("sam").identity;
  w.homes.set(certificate.accountId, "mill");
  const directory = w.directory();
  assert.equal(directory.nameOf(certificate).startsWith("Sam@"), true);
  const keys = await directory.keysOf({ account: certificate.accountId });
  assert.deepEqual([keys.name, keys.server], ["Sam@mill", "mill"]);
  assert.deepEqual(keys.serverKey, w.mill.identity.publicKey);
  assert.equal(directory.nameOf(certificate), "Sam@mill");
  assert.equal(directory.nameOf(w.home.account("sam").identity.certificate), "Sam");
  w.homes.set(w.home.account("sam").identity.certificate.accountId, "mill");
  await assert.rejects(
    w.directory().keysOf({ account: w.home.account("sam").identity.certificate.accountId }),
    { code: "no_such_user" },
  );
});

Deno.test("a certificate counts on the server alone that it was made for", async () => {
  await using w = await world();
  const keys = await w.directory().keysOf({ name: "sam@mill" });
  const { identity } = w.mill.account("sam");
  assert.equal(certifies(keys, identity.certificate), true);
  assert.equal(certifies(keys, furtherDevice(identity).certificate), true);
  const issue = (changes: object) =>
    issueDeviceCertificate({
      name: "Sam",
      accountId: keys.account,
      serverKey: keys.serverKey,
      accountKey: identity.accountKey,
      deviceKey: generateSigningKey().publicKey,
      createdAt: 1,
      ...changes,
    });
  assert.equal(certifies(keys, issue({ name: "SAM" })), true);
  const none = [
    { serverKey: w.home.identity.publicKey },
    { name: "Sem" },
    { accountId: crypto.randomUUID() },
    { accountKey: generateSigningKey() },
  ];
  for (const changes of none) assert.equal(certifies(keys, issue(changes)), false);
  assert.equal(certifies(keys, w.home.account("sam").identity.certificate), false);
});

Deno.test("an address is an account's name, perhaps with a server behind it", () => {
  for (const good of ["sam", "Sam_1", "sam@mill", "sam@mill.example.org"]) {
    assert.equal(isAddress(good), true, good);
  }
  for (
    const bad of ["", "sa", "@mill", "sam@", "sam@a b", "a@b@c", "sam@@c", "sam@" + "x".repeat(65)]
  ) {
    assert.equal(isAddress(bad), false, bad);
  }
});

Deno.test("what people of a linked server were shown of its log is compared with what is shown here", async () => {
  await using w = await world();
  const directory = w.directory();
  await directory.keysOf({ name: "sam@mill" });
  const fork = w.mill.fork();
  w.mill.add(someIdentity({ name: "rae", serverKey: w.mill.identity.publicKey }));
  // Rae was shown more of the same log: that is no lie, and is what later answers have to continue.
  await directory.logs.compare(w.mill.checkpoint(), "rae@mill");
  assert.deepEqual(w.warnings, []);
  fork.add(someIdentity({ name: "eve", serverKey: w.mill.identity.publicKey }));
  await directory.logs.compare(fork.checkpoint(), "sam@mill");
  assert.match(
    w.warnings.join(),
    /linked server mill's directory cannot be trusted: it shows different logs/,
  );
  // Of a server that nobody here has ever seen nothing can be said.
  const stranger = new FakeDirectory();
  stranger.add(someIdentity({ name: "Sam", serverKey: stranger.identity.publicKey }));
  await directory.logs.compare(stranger.checkpoint(), "sam@mill");
  assert.equal(w.warnings.length, 1);
});

Deno.test("the last @ divides an address", () => {
  assert.deepEqual(splitAddress("sam@Mill"), { name: "sam", server: "mill" });
  assert.deepEqual(splitAddress("a@b@c"), { name: "a@b", server: "c" });
  assert.equal(splitAddress("sam"), undefined);
});

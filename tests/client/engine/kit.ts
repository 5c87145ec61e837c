/** Accounts with engines for tests: real server, real TLS, real store; only the account's side is kept simple. */
import { fromBase64url, fromUtf8, toBase64url, utf8 } from "../../../lib/base/bytes.ts";
import { type Clock, systemClock } from "../../../lib/base/clock.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { randomId } from "../../../lib/base/ids.ts";
import { silentLogger } from "../../../lib/base/log.ts";
import {
  issueDeviceCertificate,
  issueRevocation,
  readDeviceCertificate,
} from "../../../lib/crypto/certificate.ts";
import { generateSigningKey, signingKeyFromSeed } from "../../../lib/crypto/sign.ts";
import { createKeyPackage, type MlsIdentity, type NewKeyPackage } from "../../../lib/mls/mod.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import { Connection } from "../../../lib/wire/connection.ts";
import { dial, type PinnedServer } from "../../../lib/wire/tls.ts";
import type { ChatMessage, Engine, EngineEvent } from "../../../client/engine/api.ts";
import type { Requester, Welcome } from "../../../client/engine/connection.ts";
import { Directory } from "../../../client/engine/directory.ts";
import { engineOf } from "../../../client/engine/engine.ts";
import { KeyPackages } from "../../../client/store/key_packages.ts";
import { Meta } from "../../../client/store/meta.ts";
import type { AccountServices } from "../../../client/engine/unlocked.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { sealerOf } from "../../../client/store/seal.ts";
import type { SealedDatabase } from "../../../client/store/sealed.ts";
import { type TestAccount, WireClient } from "../../kit/wire_client.ts";

/** Everything that opens a device's store again, in this process or another. */
export interface DeviceFacts {
  readonly folder: string;
  readonly name: string;
  readonly account: string;
  /** Base64url. */
  readonly accountSeed: string;
  readonly deviceSeed: string;
  readonly certificate: string;
  readonly profileKey: string;
  readonly instance: string;
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly identity: string;
    readonly authority: string;
  };
}

/** Registers an account, or enrols a further device of one, and makes its store. */
export async function newDevice(
  server: PinnedServer,
  options: { folder: string; account: TestAccount; enrol?: boolean },
): Promise<DeviceFacts> {
  const { account, folder } = options;
  const device = generateSigningKey();
  await using wire = await WireClient.connect(server, { device, receive: false });
  if (options.enrol) {
    await wire.logIn(account);
    await wire.enrol(account);
  } else {
    await wire.register(account);
  }
  await Deno.mkdir(folder, { recursive: true });
  const { host, port, identity, authority } = server;
  return {
    folder,
    name: account.name,
    account: account.id,
    accountSeed: toBase64url(account.key.seed),
    deviceSeed: toBase64url(device.seed),
    certificate: toBase64url(
      issueDeviceCertificate({
        name: account.name,
        accountId: account.id,
        serverKey: identity,
        accountKey: account.key,
        deviceKey: device.publicKey,
        createdAt: Date.now(),
      }).bytes,
    ),
    profileKey: toBase64url(crypto.getRandomValues(new Uint8Array(32))),
    instance: randomId(),
    server: { host, port, identity: toBase64url(identity), authority },
  };
}

/** How a test bends what an engine is made of. */
export interface EngineOptions {
  /** Another port to dial: that of a proxy. */
  readonly port?: number;
  readonly clock?: Clock;
  /** From 0 to 1, for delays. */
  readonly random?: () => number;
  /** Single-use key packages to keep at the server. */
  readonly keyPackages?: number;
}

/** An engine over the device's store. */
export function engineFor(facts: DeviceFacts, options: EngineOptions = {}): Engine {
  const { name, account, folder, server } = facts;
  const database = openDatabase(`${folder}/profile.db`, {
    migrations: profileMigrations,
    wipe: true,
  });
  const sealed = { database, ...sealerOf(fromBase64url(facts.profileKey)) };
  const device = signingKeyFromSeed(fromBase64url(facts.deviceSeed));
  const certificate = readDeviceCertificate(fromBase64url(facts.certificate));
  // The same on all devices of the account.
  const archiveKey = fromBase64url(facts.accountSeed);
  const identity = { device, certificate, archiveKey };
  const clock = options.clock ?? systemClock;
  const pinned = {
    host: server.host,
    port: options.port ?? server.port,
    identity: fromBase64url(server.identity),
    authority: server.authority,
  };
  return engineOf({
    self: {
      name,
      account,
      device: toBase64url(device.publicKey),
      fingerprint: "",
      server: { host: server.host, port: pinned.port, name: "test" },
      serverFingerprint: "",
      profile: folder,
    },
    profile: { ...sealed, identity, instance: facts.instance, close: () => database.close() },
    clock,
    ...(options.random === undefined ? {} : { random: options.random }),
    logger: Deno.env.get("ENGINE_LOG")
      ? { log: (level, event, fields) => console.error(name, level, event, fields ?? "") }
      : silentLogger,
    open: async (signal) => {
      const transport = await dial({ ...pinned, signal });
      const about = { software: "test", role: "client" } as const;
      const { identity: expectIdentity } = pinned;
      return await Connection.open(transport, { device, facts: about, expectIdentity, clock });
    },
    services: ({ server, warn }) =>
      simpleServices(server, { sealed, identity, facts, options, warn }),
  });
}

/** The account's side with the real directory, but without passwords, notifications and the audit. */
function simpleServices(
  server: Requester,
  of: {
    sealed: SealedDatabase;
    identity: MlsIdentity;
    facts: DeviceFacts;
    options: EngineOptions;
    warn: (text: string) => void;
  },
): AccountServices {
  const accountKey = signingKeyFromSeed(fromBase64url(of.facts.accountSeed));
  const identity = { ...of.identity, accountKey, archiveKey: new Uint8Array(32) };
  const profile = { ...of.sealed, identity, meta: new Meta(of.sealed) };
  const people = new Directory({ profile, server, clock: systemClock, warn: of.warn });
  const keyPackages = new KeyPackages(of.sealed);
  const stock = new SimpleStock(of.sealed, keyPackages);
  const unused = () => Promise.reject(new AppError("not_found"));
  return {
    people,
    keyPackages,
    log: people.logs,
    directory: {
      state: () => ({
        size: people.log.size(),
        checkpoint: undefined,
        alarms: people.log.alarms(),
      }),
      beginAnew: unused,
    },
    tend: (welcome) => stock.fill(server, { ...of, welcome }),
    checkSendable: (name) => people.checkSendable(name),
    forgetKeys: (account) => people.forget(account),
    exists: async (name) => (await server.request({ type: "account.check", name })).message.exists,
    users: unused,
    notifications: unused,
    notificationsSeen: unused,
    key: unused,
    setVerified: unused,
    isPassword: unused,
    changePassword: unused,
    revokeDevice: async (revoked) => {
      const revocation = issueRevocation({
        accountKey,
        accountId: of.facts.account,
        deviceKey: fromBase64url(revoked),
        revokedAt: Date.now(),
      });
      await server.request({
        type: "device.revoke",
        revocation: toBase64url(revocation.bytes),
      });
    },
    receipt: (source) => Promise.resolve(JSON.stringify(source)),
  };
}

class SimpleStock {
  readonly #keyPackages: KeyPackages;
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase, keyPackages: KeyPackages) {
    this.#sealed = sealed;
    this.#keyPackages = keyPackages;
  }

  async fill(
    server: Requester,
    of: { identity: MlsIdentity; options: EngineOptions; welcome: Welcome },
  ): Promise<void> {
    const wanted = of.options.keyPackages ?? 4;
    const single = Math.max(0, wanted - of.welcome.keyPackages);
    const kinds = [...Array<boolean>(single).fill(false)];
    if (of.welcome.lastResortAt === null) kinds.push(true);
    if (kinds.length === 0) return;
    const made: ({ readonly lastResort: boolean } & NewKeyPackage)[] = [];
    for (const lastResort of kinds) {
      made.push({
        lastResort,
        ...await createKeyPackage(of.identity, { now: Date.now(), lastResort }),
      });
    }
    this.#sealed.database.transaction(() => {
      for (const { ref, privateState, lastResort } of made) {
        this.#keyPackages.add({ ref, privateState, lastResort, createdAt: Date.now() });
      }
    });
    const bodies = made.map(({ keyPackage }) => keyPackage);
    await server.request({
      type: "keypackages.put",
      packages: made.map(({ ref, lastResort, keyPackage }) => ({
        ref,
        lastResort,
        length: keyPackage.length,
      })),
      body: bodies.reduce((sum, { length }) => sum + length, 0),
    }, bodies);
  }
}

/** The facts as text, for another process. */
export function encodeFacts(facts: DeviceFacts): string {
  return toBase64url(utf8(JSON.stringify(facts)));
}

/** What `encodeFacts` made. */
export function decodeFacts(text: string): DeviceFacts {
  return JSON.parse(fromUtf8(fromBase64url(text)));
}

/** Longer than anything takes on a busy machine, in ms. */
const patienceMs = 60_000;

/** The first event that fits, from now on. */
export function nextEvent(
  engine: Engine,
  fits: (event: EngineEvent) => boolean,
  options: { after?: number; what?: string } = {},
): Promise<EngineEvent> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`no such event came: ${options.what ?? fits}`));
    }, patienceMs);
    const stop = engine.subscribe((event) => {
      if (!fits(event)) return;
      clearTimeout(timer);
      queueMicrotask(() => stop());
      resolve(event);
    }, options.after === undefined ? {} : { after: options.after });
  });
}

/** Waits until some message is as wanted, stored already, still to come or to be changed: what could not be read at first is. */
export async function shown(
  engine: Engine,
  fits: (message: ChatMessage) => boolean,
  what: string,
): Promise<ChatMessage> {
  const event = await nextEvent(
    engine,
    (one) => (one.kind === "message" || one.kind === "changed") && fits(one.message),
    { after: 0, what },
  );
  if (event.kind !== "message" && event.kind !== "changed") throw new Error("not a message");
  return event.message;
}

/** Waits for a message with that text. */
export function message(engine: Engine, text: string): Promise<ChatMessage> {
  return shown(engine, (one) => one.text === text, `message ${text}`);
}

/** Waits until something holds, looking again whenever the engine tells of anything; what it tells meanwhile is not missed. */
export async function until(
  engine: Engine,
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const late = patience();
  for (;;) {
    const told = Promise.withResolvers<void>();
    const wake = () => told.resolve();
    late.addEventListener("abort", wake, { once: true });
    const stop = engine.subscribe(wake);
    try {
      if (await holds()) return;
      if (late.aborted) throw new Error(`it did not come to be: ${what}`);
      await told.promise;
    } finally {
      late.removeEventListener("abort", wake);
      stop();
    }
  }
}

/** A signal that makes a hanging test fail. */
export function patience(): AbortSignal {
  return AbortSignal.timeout(patienceMs);
}

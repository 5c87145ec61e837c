import assert from "node:assert/strict";
import { join } from "node:path";
import { parseCrashPlan } from "../../../lib/base/crashpoint.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { serverLimits } from "../../../lib/base/limits.ts";
import type { Nudge, Storage } from "../../../server/operations/contract.ts";
import type { Attempt } from "../../../lib/base/attempts.ts";
import { storageOver } from "../../../server/storage/proxy.ts";
import {
  databaseName,
  startStorage,
  type StorageHandle,
  type StorageOptions,
} from "../../../server/storage/start.ts";
import { randomKey } from "../../contract/world.ts";

async function inFolder(test: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  try {
    await test(dataDir);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

function withStorage(
  test: (handle: StorageHandle, dataDir: string) => Promise<void>,
  options: Partial<StorageOptions> = {},
): Promise<void> {
  return inFolder(async (dataDir) => {
    const handle = await startStorage({ ...options, dataDir });
    try {
      await test(handle, dataDir);
    } finally {
      await handle.close();
    }
  });
}

/** A gateway's end of the line, closed at the end of the test. */
function connect(handle: StorageHandle): Storage & Disposable {
  const port = handle.connect();
  const storage = storageOver(port);
  return {
    call: (name, input) => storage.call(name, input),
    onNudges: (receive) => storage.onNudges(receive),
    files: storage.files,
    [Symbol.dispose]: () => port.close(),
  };
}

let sessions = 0;
async function register(storage: Storage, name: string) {
  const actor = { account: crypto.randomUUID() as string, device: randomKey() };
  const result = await storage.call("account.register", {
    ...actor,
    name,
    remote: "192.0.2.1",
    accountKey: randomKey(),
    record: "record",
    vault: new Uint8Array([1, 2, 3]),
    certificate: randomKey(),
    label: "test",
    arrival: {
      gateway: 0,
      session: `s${++sessions}`,
      instance: crypto.randomUUID(),
      receive: true,
      replace: false,
    },
  });
  assert(result.ok);
  return actor;
}

Deno.test("calls are answered after their commit, and nudges reach every gateway", () =>
  withStorage(async (handle) => {
    using one = connect(handle);
    using two = connect(handle);
    const told = Promise.withResolvers<readonly Nudge[]>();
    two.onNudges(told.resolve);
    const erik = await register(one, "erik");
    const [nudge] = await told.promise;
    assert(nudge?.kind === "presence");
    assert.equal(nudge.user.name, "erik");
    const vault = await two.call("vault.get", erik);
    assert(vault.ok);
    assert.deepEqual([...vault.vault], [1, 2, 3]);
    assert.deepEqual(await two.call("login.start", { name: "nobody", remote: "x" }), { ok: true });
    const status = await handle.status();
    assert.deepEqual([status.sessionsOnline, status.accountsOnline, status.failures], [1, 1, 0]);
  }));

Deno.test("many calls of one turn share transactions and keep their order", () =>
  withStorage(async (handle) => {
    using storage = connect(handle);
    const erik = await register(storage, "erik");
    const before = await handle.status();
    const posts = Array.from({ length: 1000 }, (_, i) =>
      storage.call("lobby.post", {
        ...erik,
        post: crypto.randomUUID(),
        text: `${i}`,
        sentAt: i,
        signature: "s",
      }));
    const results = await Promise.all(posts);
    assert.deepEqual(results.map((each) => each.ok && each.seq), results.map((_, i) => i + 1));
    const after = await handle.status();
    assert(after.transactions - before.transactions <= 4);
  }));

Deno.test("what was answered is on disk after a close and a new start", () =>
  inFolder(async (dataDir) => {
    const first = await startStorage({ dataDir });
    {
      using storage = connect(first);
      await register(storage, "erik");
    }
    await first.close();
    assert.equal((await Deno.stat(join(dataDir, databaseName))).mode! & 0o777, 0o600);
    await assert.rejects(Deno.stat(join(dataDir, `${databaseName}-wal`)), Deno.errors.NotFound);
    const second = await startStorage({ dataDir });
    {
      using storage = connect(second);
      assert.deepEqual(await storage.call("account.exists", { name: "erik" }), { exists: true });
      const query = { scope: "online", after: undefined, limit: 9 } as const;
      assert.deepEqual((await storage.call("directory.users", query)).users, []);
    }
    await second.close();
  }));

Deno.test("what was answered is on disk when the worker is ended without a word", () =>
  inFolder(async (dataDir) => {
    const first = await startStorage({ dataDir });
    {
      using storage = connect(first);
      await register(storage, "erik");
      await register(storage, "sam");
    }
    first.terminate();
    const second = await startStorage({ dataDir });
    {
      using storage = connect(second);
      for (const name of ["erik", "sam"]) {
        assert.deepEqual(await storage.call("account.exists", { name }), { exists: true });
      }
    }
    await second.close();
  }));

Deno.test("more calls than may wait are refused at once", () =>
  withStorage(async (handle) => {
    using storage = connect(handle);
    const calls = Array.from(
      { length: serverLimits.storageQueue },
      () => storage.call("account.exists", { name: "erik" }),
    );
    const isRateLimited = (thrown: unknown) =>
      thrown instanceof AppError && thrown.code === "rate_limited";
    await assert.rejects(storage.call("account.exists", { name: "erik" }), isRateLimited);
    await Promise.all(calls);
    await storage.call("account.exists", { name: "erik" });
  }));

Deno.test("a damaged database is a clear error and stays as it is", () =>
  inFolder(async (dataDir) => {
    const path = join(dataDir, databaseName);
    await Deno.writeTextFile(path, "damaged ".repeat(2000));
    await assert.rejects(
      startStorage({ dataDir }),
      (thrown: unknown) =>
        thrown instanceof AppError && /damaged: nothing was changed/.test(thrown.message),
    );
    assert.equal(await Deno.readTextFile(path), "damaged ".repeat(2000));
  }));

Deno.test("the storage worker can do nothing but read and write its folder", () =>
  withStorage(async (handle) => {
    const all: Attempt[] = ["net", "read", "write", "env", "run", "ffi", "sys"];
    for (const what of all) assert.equal(await handle.attempt(what), "NotCapable", what);
  }, { testHooks: { kill: () => undefined } }));

Deno.test("a crash point in the worker asks for the end of the process and holds still", () =>
  inFolder(async (dataDir) => {
    const killed = Promise.withResolvers<void>();
    const crash = parseCrashPlan("server:acked");
    const handle = await startStorage({ dataDir, testHooks: { crash, kill: killed.resolve } });
    using storage = connect(handle);
    const erik = await register(storage, "erik");
    let answered = false;
    const acks = [{ conversation: crypto.randomUUID() as string, seq: 1 }];
    void storage.call("message.ack", { ...erik, acks }).then(() => answered = true);
    await killed.promise;
    assert.equal(answered, false);
    handle.terminate();
  }));

Deno.test("a call that fails through a mistake fails alone, and its cause goes to the operator only", async () => {
  const troubles: [string, string][] = [];
  await withStorage(async (handle) => {
    using storage = connect(handle);
    const erik = await register(storage, "erik");
    const revocation = "not base64url!";
    const phone = await register(storage, "sam");
    const calls = [
      storage.call("account.exists", { name: "erik" }),
      storage.call("device.revoke", { ...erik, revoked: erik.device, revocation }),
      storage.call("vault.get", phone),
    ] as const;
    const [first, failed, last] = await Promise.allSettled(calls);
    assert(first.status === "fulfilled" && last.status === "fulfilled");
    assert(failed.status === "rejected" && failed.reason instanceof AppError);
    assert.deepEqual([failed.reason.code, failed.reason.message.includes("base64")], [
      "internal",
      false,
    ]);
    assert.equal((await handle.status()).failures, 1);
    assert((await storage.call("vault.get", erik)).ok);
  }, { onTrouble: (operation, detail) => troubles.push([operation, detail]) });
  assert.equal(troubles[0]?.[0], "device.revoke");
  assert.match(troubles[0]?.[1] ?? "", /base64url/);
});

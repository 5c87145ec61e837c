import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { silentLogger } from "../../../lib/base/log.ts";
import { createCertificateAuthority, createServerCertificate } from "../../../lib/crypto/x509.ts";
import { reloaded } from "../../../server/config_reload.ts";
import { serverConfig, type ServerFlags, settingValues } from "../../../server/config.ts";
import { settingNames, settings } from "../../../server/config_settings.ts";
import { type LiveConfig, Reloading } from "../../../server/supervisor/reloading.ts";
import { TempFolder } from "../../kit/folder.ts";
import { TestServer } from "../../kit/server.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { serverCommand } from "../../kit/server_commands.ts";

const path = "/c/server.json";
const configure = (text: string | undefined, flags: ServerFlags = {}) =>
  serverConfig(flags, { hostname: "host", cores: 4, file: { path, text } });

/** Another value than the default for every setting. */
const others: Readonly<Record<string, unknown>> = {
  port: 6000,
  name: "other",
  cert: "/x.crt",
  key: "/x.key",
  registration: "invite",
  registrationsPerHour: 7,
  consent: "all",
  connections: 99,
  connectionsPerAddress: 9,
  peers: "open",
  lobbyPeers: true,
  maxFileSize: "1M",
  fileQuota: "2M",
  fileSpace: "3G",
  fileDays: 4,
  fileTypes: "pdf,png",
  gateways: 2,
  metrics: "0.0.0.0:9464",
  metricsPublic: true,
  logLevel: "debug",
};

Deno.test("every setting that may change while the server runs does, every other one waits and is told each time", () => {
  const before = configure(undefined);
  const next = configure(JSON.stringify(others));
  deepStrictEqual(next.problems, []);
  const first = reloaded(before, next, { path, found: true });
  const changed = (changes: readonly { setting: string }[]) =>
    changes.map(({ setting }) => setting);
  deepStrictEqual(
    changed(first.answer.applied),
    settingNames.filter((name) => settings[name].live),
  );
  deepStrictEqual(
    changed(first.answer.restart),
    settingNames.filter((name) => !settings[name].live),
  );
  const [had, wanted, has] = [before, next, first.config].map(settingValues);
  for (const name of settingNames) {
    strictEqual(has?.[name], settings[name].live ? wanted?.[name] : had?.[name], name);
    strictEqual(first.config.origins[name], settings[name].live ? "file" : "default", name);
  }
  const again = reloaded(first.config, next, { path, found: true });
  deepStrictEqual(again.answer.applied, []);
  deepStrictEqual(again.answer.restart, first.answer.restart);
});

Deno.test("what a flag says cannot be changed by the file, and that is told", () => {
  const flags = { registration: "closed", fileDays: "3" };
  const running = configure(undefined, flags);
  const next = configure('{"registration":"open","fileDays":9,"consent":"all"}', flags);
  const { answer } = reloaded(running, next, { path, found: true });
  deepStrictEqual(answer.applied, [{ setting: "consent", from: "remote", to: "all" }]);
  deepStrictEqual(answer.overruled, ["registration", "fileDays"]);
});

Deno.test("reloads come one after another, and one that fails does not stop the next", async () => {
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const config = configure(undefined);
  let turn = 0;
  const reloading = new Reloading<LiveConfig>({
    read: () => {
      seen.push(`read ${++turn}`);
      if (turn === 2) throw new Error("broken");
      const hold = () => void seen.push("holds");
      return { ...reloaded(config, config, { path, found: true }), hold };
    },
    apply: async () => {
      await gate.promise;
      seen.push("applied");
      return { certificate: false };
    },
    log: silentLogger,
  });
  const all = Promise.allSettled([reloading.reload(), reloading.reload(), reloading.reload()]);
  gate.resolve();
  deepStrictEqual((await all).map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  deepStrictEqual(seen, ["read 1", "applied", "holds", "read 2", "read 3", "applied", "holds"]);
});

Deno.test("a running server reads its configuration again", async (t) => {
  await using home = await TempFolder.make();
  const file = `${home.path}/server.json`;
  await using server = await TestServer.start({ home: home.path, args: ["--gateways", "2"] });
  const reload = async (text: string) => {
    await Deno.writeTextFile(file, text);
    return await serverCommand(["reload", "--json"], { home: home.path });
  };
  const register = async (name: string) => {
    await using client = await WireClient.connect(await server.pinned());
    return await client.register(newAccount(name)).then(
      () => "registered",
      (thrown: unknown) => String(thrown),
    );
  };

  await t.step("by command: what holds now, and what waits, is said and is so", async () => {
    strictEqual(await register("sam"), "registered");
    const { code, out, err } = await reload(`{
      // nobody else for now
      "registration": "closed",
      "name": "elsewhere",
      "gateways": 1,
    }`);
    strictEqual(code, 0, err);
    deepStrictEqual(JSON.parse(out), {
      v: 1,
      type: "reloaded",
      file,
      found: true,
      applied: [{ setting: "registration", from: "open", to: "closed" }],
      restart: [{ setting: "name", from: JSON.parse(out).restart[0].from, to: "elsewhere" }],
      overruled: ["gateways"],
      certificate: false,
    });
    match(await register("rae"), /does not accept new accounts/);
  });

  await t.step("a file that is broken changes nothing, and its line is said", async () => {
    for (
      const [text, about] of [
        ['{\n"registration": "open"\n"consent": "all"}', /server\.json:3: .*comma/],
        [
          '{"registration": "open",\n"consent": "some"}',
          /server\.json:2: .*"consent".*one of: none/,
        ],
        ['{"registration": "open",\n\n"prot": 1}', /server\.json:3: unknown setting "prot"/],
        ['{"registration": "open", "cert": "/x.crt"}', /nothing was changed: .*belong together/],
        ['{"registration": "open", "metrics": "0.0.0.0:9464"}', /--metrics-public/],
      ] as const
    ) {
      const { code, err } = await reload(text);
      strictEqual(code, 8);
      match(JSON.parse(err).message, about);
      match(await register("rae"), /does not accept new accounts/);
    }
  });

  await t.step("by SIGHUP, which does not end it", async () => {
    const config = '{"connectionsPerAddress": 1, "logLevel": "debug"}';
    await using _held = await WireClient.connect(await server.pinned());
    await Deno.writeTextFile(file, config);
    const before = server.process.mark();
    server.process.kill("SIGHUP");
    await server.process.waitForRemark(/reloaded applied="registration=open conn/, before);
    // Whichever of the two gateways they come to.
    for (let attempt = 0; attempt < 6; attempt++) {
      match(await register("rae"), /too many connections/);
    }
    await server.process.waitForRemark(/debug/, before);
  });
});

// One gateway alone has to let go of the port first; several share it.
for (const gateways of ["1", "2"]) {
  Deno.test(`a certificate that was renewed is served after a reload, and nobody is thrown out for it, with ${gateways} gateways`, async (t) => {
    await using home = await TempFolder.make();
    const [cert, key] = [`${home.path}/own.crt`, `${home.path}/own.key`];
    const identityHex = "ab".repeat(32);
    const renew = async () => {
      const ca = await createCertificateAuthority({ serverName: "own", identityHex });
      const made = await createServerCertificate({ ca, identityHex, hosts: ["localhost"] });
      await Deno.writeTextFile(cert, made.certificate);
      await Deno.writeTextFile(key, made.privateKey);
      return ca;
    };
    const first = await renew();
    await using server = await TestServer.start({
      home: home.path,
      args: ["--cert", cert, "--key", key, "--gateways", gateways],
    });
    const reload = () => serverCommand(["reload", "--json"], { home: home.path });
    const dial = async ({ certificate }: { readonly certificate: string }) => {
      const tcp = await Deno.connect({ hostname: "127.0.0.1", port: server.ready.port });
      const tls = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [certificate] });
      await tls.handshake();
      return tls;
    };
    /** How many of some connections get a certificate of this authority. */
    const served = async (ca: { readonly certificate: string }) => {
      let count = 0;
      for (let attempt = 0; attempt < 6; attempt++) {
        const tls = await dial(ca).catch(() => undefined);
        if (tls !== undefined) count++;
        tls?.close();
      }
      return count;
    };
    strictEqual(await served(first), 6);
    const old = await dial(first);

    await t.step("unchanged files change nothing", async () => {
      strictEqual(JSON.parse((await reload()).out).certificate, false);
    });
    await t.step("a pair that does not fit is refused, and the old one goes on", async () => {
      await Deno.writeTextFile(key, first.privateKey);
      const { code, err } = await reload();
      deepStrictEqual([code, /do not belong together/.test(err)], [8, true]);
      strictEqual(await served(first), 6);
    });
    await t.step("another pair is served, by every gateway", async () => {
      const second = await renew();
      const { code, out } = await reload();
      deepStrictEqual([code, JSON.parse(out).certificate], [0, true]);
      deepStrictEqual([await served(first), await served(second)], [0, 6]);
    });
    await t.step("who was connected still is", async () => {
      // The greeting waits on the old connection.
      ok((await old.read(new Uint8Array(16)) ?? 0) > 0);
      old.close();
    });
  });
}

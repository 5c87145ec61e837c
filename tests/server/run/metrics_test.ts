import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { Histogram } from "../../../lib/base/histogram.ts";
import { serverConfig, type ServerFlags } from "../../../server/config.ts";
import { expositionText, expositionType } from "../../../server/metrics/exposition.ts";
import { TempFolder } from "../../kit/folder.ts";
import { run } from "../../kit/program.ts";
import { TestServer } from "../../kit/server.ts";
import { createConversation, offerKeyPackage, sendLookalike } from "../../kit/conversation.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import { serverCommand } from "../../kit/server_commands.ts";

/** Reads the text as a collector does; throws where it is not in the format. */
function read(text: string) {
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  ok(text.endsWith("\n"));
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "TYPE") {
      ok(!types.has(name), `${name} stands there once`);
      types.set(name, rest);
    }
    if (kind !== undefined) continue;
    const label = '[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
    const sample = new RegExp(`^(([a-zA-Z_:][\\w:]*)(?:\\{${label}(?:,${label})*\\})?) (\\S+)$`);
    const [, whole = "", metric = "", value = ""] = sample.exec(line) ?? [];
    ok(whole !== "", line);
    const family = types.has(metric) ? metric : metric.replace(/_(bucket|sum|count)$/, "");
    ok(types.has(family), `${metric} has a type`);
    ok(!values.has(whole), `${whole} stands there once`);
    values.set(whole, value === "+Inf" ? Infinity : Number(value));
    ok(!Number.isNaN(values.get(whole)), line);
    if (types.get(family) === "counter") match(family, /_total$/);
  }
  return { types, values };
}

Deno.test("any label's text survives the format", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const samples = [{ labels: { text }, value: 1 }];
    const line = expositionText([{ name: "x", help: "a\nb\\", type: "gauge", samples }]);
    const { values } = read(line);
    const [whole = ""] = [...values.keys()];
    const inside = whole.slice('x{text="'.length, -2);
    strictEqual(inside.replace(/\\(.)/g, (_, c) => c === "n" ? "\n" : String(c)), text);
  }));
  const bad = { help: "h", type: "gauge" as const, samples: [{ labels: { "a b": "" }, value: 1 }] };
  throws(() => expositionText([{ ...bad, name: "x" }]), TypeError);
  throws(() => expositionText([{ ...bad, name: "1x" }]), TypeError);
});

Deno.test("a histogram counts every value once, and its buckets add up", () => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 3, noNaN: true })), (all) => {
    const bounds = [0.5, 1, 2];
    const histogram = new Histogram(bounds);
    for (const value of all) histogram.observe(value);
    const figures = histogram.figures();
    const { values } = read(expositionText([{ name: "h", help: "h", type: "histogram", figures }]));
    for (const bound of [...bounds, Infinity]) {
      const le = bound === Infinity ? "+Inf" : String(bound);
      const expected = all.filter((value) => value <= bound).length;
      strictEqual(values.get(`h_bucket{le="${le}"}`), expected);
    }
    strictEqual(values.get("h_count"), all.length);
    ok(Math.abs((values.get("h_sum") ?? NaN) - all.reduce((a, b) => a + b, 0)) < 1e-9);
  }));
});

Deno.test("metrics stay on this machine unless one says twice that they should not", () => {
  const around = { hostname: "h", cores: 2, file: { path: "/c", text: undefined } };
  const at = (flags: ServerFlags) => serverConfig(flags, around).metrics;
  strictEqual(at({}), undefined);
  deepStrictEqual(at({ metrics: "9464" }), { hostname: "127.0.0.1", port: 9464 });
  deepStrictEqual(at({ metrics: "[::1]:9464" }), { hostname: "::1", port: 9464 });
  for (const metrics of ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:1", "127.0.0.1.example.org:1"]) {
    throws(() => at({ metrics }), { reason: "usage", message: /--metrics-public/ });
    strictEqual(at({ metrics, metricsPublic: true })?.port, Number(metrics.split(":").at(-1)));
  }
  for (const metrics of ["", "x", "70000", "a:b:1", "http://x:1"]) {
    throws(() => at({ metrics }), { reason: "usage", message: /--metrics is a port/ });
  }
});

Deno.test("a running server tells its figures, and nothing about anybody", async (t) => {
  await using home = await TempFolder.make();
  const args = ["--metrics", "0", "--gateways", "2"];
  await using server = await TestServer.start({ home: home.path, args });
  const status = JSON.parse((await serverCommand(["status", "--json"], { home: home.path })).out);
  match(status.metrics, /^127\.0\.0\.1:\d+$/);
  const fetched = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://${status.metrics}${path}`, init);
    return { response, text: await response.text() };
  };
  const party = async (name: string) => {
    const client = await WireClient.connect(await server.pinned());
    const account = newAccount(name);
    await client.register(account);
    return { client, account };
  };
  const [alice, bobby] = [await party("alice-of-the-test"), await party("bobby-of-the-test")];
  await using _alice = alice.client;
  await using _bobby = bobby.client;
  await offerKeyPackage(bobby);
  const { conversation } = await createConversation(alice, bobby);
  for (let count = 0; count < 3; count++) await sendLookalike(alice, { conversation });

  await t.step("in the format, with what just happened", async () => {
    const { response, text } = await fetched("/metrics");
    deepStrictEqual([response.status, response.headers.get("content-type")], [200, expositionType]);
    const { values, types } = read(text);
    const sum = (name: string) =>
      [...values].filter(([key]) => key.startsWith(`${name}{`)).reduce((all, [, v]) => all + v, 0);
    strictEqual(values.get("sealpost_messages_accepted_total"), 3);
    strictEqual(values.get("sealpost_sessions"), 2);
    strictEqual(sum("sealpost_gateway_sessions"), 2);
    ok(sum("sealpost_gateway_requests_total") >= 8);
    ok(sum("sealpost_gateway_received_bytes_total") > 1000);
    ok(sum("sealpost_gateway_sent_bytes_total") > 1000);
    ok((values.get("sealpost_queued_bytes") ?? 0) > 0);
    const batches = values.get("sealpost_write_batch_seconds_count") ?? 0;
    ok(batches > 0 && batches === values.get("sealpost_write_batch_operations_count"));
    ok((values.get("process_cpu_seconds_total") ?? 0) > 0);
    ok((values.get("process_resident_memory_bytes") ?? 0) > 1e7);
    const started = values.get("process_start_time_seconds") ?? 0;
    ok(Math.abs(Date.now() / 1000 - started) < 600);
    strictEqual(types.get("sealpost_write_batch_seconds"), "histogram");
    for (const key of values.keys()) {
      match(key, /^[^{]*(\{(worker|le|level|version)="[\w.+-]*"\})?$/, "no other label");
    }
    ok(!/of-the-test/.test(text));
    ok(!text.includes(conversation));
  });
  await t.step("and nothing else", async () => {
    strictEqual((await fetched("/")).response.status, 404);
    const posted = await fetched("/metrics", { method: "POST", body: "x" });
    strictEqual(posted.response.status, 405);
    const head = await fetched("/metrics", { method: "HEAD" });
    deepStrictEqual([head.response.status, head.text], [200, ""]);
  });
  await t.step("a port that is taken is told, and nothing starts", async () => {
    await using other = await TempFolder.make();
    const { code, err } = await run(["server", "0", "--metrics", status.metrics], {
      home: other.path,
    });
    strictEqual(code, 3);
    match(err, /metrics cannot be served on port \d+: the port is in use/);
  });
});

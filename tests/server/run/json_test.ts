/** Every command of the server with `--json`, on a real server: each line that it prints is held against its schema. */
import assert from "node:assert/strict";
import type { Word } from "../../../lib/base/completion.ts";
import type { Value } from "../../../lib/base/json_schema.ts";
import type {
  AdminOutput,
  PeerStatus,
  ReloadAnswer,
  ServerStatus,
  SettingRow,
} from "../../../server/admin/protocol.ts";
import type { Finding } from "../../../server/backup/check.ts";
import type { Health } from "../../../server/health.ts";
import type { AccountRow, InviteRow } from "../../../server/operations/contract.ts";
import { serverWord } from "../../../server/run.ts";
import type * as schemas from "../../../server/schemas/outputs.ts";
import { outputs } from "../../../server/schemas/outputs.ts";
import { TempFolder } from "../../kit/folder.ts";
import { PrintedLines } from "../../kit/json_lines.ts";
import { run } from "../../kit/program.ts";
import { TestServer } from "../../kit/server.ts";
import { serverCommand } from "../../kit/server_commands.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";

const lines = new PrintedLines(outputs);

/** Which types each command printed, by its words. */
const printed = new Map<string, Set<string>>();

const leaves = (word: Word, path: readonly string[] = []): string[] =>
  word.words.length === 0
    ? [path.join(" ")]
    : word.words.flatMap((each) => leaves(each, [...path, each.name]));
const commands = leaves(serverWord());

/** The command that these words mean. */
function commandOf(args: readonly string[]): string {
  const [first = "run", second = ""] = args;
  return [`${first} ${second}`, `${first} make`, first].find((name) => commands.includes(name)) ??
    "run";
}

/** An operator at a machine: every line is checked, an error too. */
function at(home: string) {
  return async (args: readonly string[], wanted = 0) => {
    const { code, out, err } = await serverCommand([...args, "--json"], { home });
    const of = args.join(" ");
    assert.equal(code, wanted, `${of}: ${out} ${err}`);
    const values = lines.read(out, of);
    // What may be wrong with what was asked has a line; what was found to be wrong is the answer.
    if (err !== "") assert.equal(lines.read(err, of)[0]?.["exit"], code);
    const types = printed.get(commandOf(args)) ?? new Set();
    printed.set(commandOf(args), types);
    for (const { type } of values) types.add(String(type));
    return values;
  };
}

/** The commands of docs/OPERATIONS.md with the types that they print, as its table says. */
async function documented(): Promise<Record<string, string[]>> {
  const path = new URL("../../../docs/OPERATIONS.md", import.meta.url);
  const [, section = ""] = (await Deno.readTextFile(path)).split("## What `--json` prints");
  const words = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
  const rows = [...section.matchAll(/^\| (`.*?) \| (`.*?) \|$/gm)];
  return Object.fromEntries(
    rows.flatMap(([, names = "", types = ""]) =>
      words(names).map((name) => [name, words(types).toSorted()])
    ),
  );
}

Deno.test("whatever --json prints is what its schema says, for every command of the server", async (t) => {
  await using home = await TempFolder.make();
  const config = `${home.path}/server.json`;
  const operator = at(home.path);

  await t.step("before the first start", async () => {
    await operator(["status"], 3);
    await operator(["fingerprint"], 6);
    await operator(["check"], 6);
    await operator(["logs"], 6);
    await operator(["doctor", "0"]);
    assert.equal((await operator(["health"], 1))[0]?.["ok"], false);
    await operator(["config", "show"]);
    await Deno.writeTextFile(config, '{"prot": 1}');
    await operator(["config", "check"], 8);
    await Deno.writeTextFile(config, '{"consent": "all"}');
    assert.equal((await operator(["config", "check"]))[0]?.["ok"], true);
    await operator(["status", "now"], 2);
  });

  await using server = await TestServer.start({ home: home.path });
  lines.accept("ready", { ...server.ready }, "run");
  printed.set("run", new Set(["ready"]));

  await t.step("a running server", async () => {
    assert.equal((await operator(["status"]))[0]?.["pid"], server.process.pid);
    assert.equal((await operator(["health", "--timeout", "60"]))[0]?.["ok"], true);
    await operator(["fingerprint"]);
    await operator(["check"]);
    await operator(["doctor"]);
    const settings = await operator(["config", "show"]);
    assert.ok(settings.some(({ running, from }) => running === true && from === "file"));
    await Deno.writeTextFile(config, '{"consent": "none", "name": "other"}');
    const [reloaded] = await operator(["reload"]);
    assert.equal(JSON.stringify(reloaded).match(/"setting"/g)?.length, 2);
    const { out } = await serverCommand(["logs", "--json"], { home: home.path });
    const logged = out.split("\n").map((line) => JSON.parse(line));
    for (const { time, level, event } of logged) {
      lines.accept("log_line", { time, level, event }, "logs");
    }
    printed.set("logs", new Set(["log_line"]));
  });

  await t.step("accounts and invitations", async () => {
    await using client = await WireClient.connect(await server.pinned());
    await client.register(newAccount("sam"));
    const [account] = await operator(["user", "list"]);
    assert.equal(account?.["online"], true);
    await operator(["user", "disable", "sam"]);
    await operator(["user", "enable", "sam"]);
    await operator(["user", "delete", "sam"], 2);
    await operator(["user", "delete", "sam", "--yes"]);
    await operator(["user", "enable", "sam"], 4);
    assert.notEqual((await operator(["user", "list"]))[0]?.["deletedAt"], null);
    const [made] = await operator(["invite", "--note", "for\u202eher", "--uses", "3"]);
    const [listed] = await operator(["invite", "list"]);
    assert.equal(made?.["id"], listed?.["id"]);
    assert.equal(listed?.["note"], "for\u202eher");
    await operator(["invite", "revoke", String(made?.["id"])]);
    await operator(["invite", "revoke", String(made?.["id"])], 6);
  });

  await t.step("linked servers", async () => {
    const fingerprint = "4c".repeat(32);
    const [peer] = await operator(["peer", "add", "127.0.0.1:1", "--fingerprint", fingerprint]);
    const name = String(peer?.["name"]);
    await operator(["peer", "list"]);
    await operator(["peer", "show", name]);
    await operator(["peer", "show", "nobody"], 6);
    await operator(["peer", "pause", name]);
    await operator(["peer", "resume", name]);
    await operator(["peer", "block", name]);
    await operator(["peer", "unblock", name]);
    await operator(["peer", "remove", name, "--drop"]);
  });

  await t.step("files, and the end", async () => {
    const file = `${home.path}/backup`;
    await operator(["backup", file]);
    await operator(["backup", file], 8);
    await using other = await TempFolder.make();
    await at(other.path)(["restore", file]);
    await at(other.path)(["restore", file], 8);
    await operator(["stop"]);
    assert.equal((await server.process.ended).code, 0);
    await using empty = await TempFolder.make();
    const doctor = await run(["doctor", "--json"], { home: empty.path });
    assert.equal(doctor.code, 6);
    lines.read(doctor.err, "doctor");
  });

  await t.step("that was every command, and every kind of object", () => {
    // These two print a file.
    const others = ["config template", "systemd-unit"];
    assert.deepEqual(commands.filter((name) => !printed.has(name)), others);
    assert.deepEqual(Object.keys(outputs).filter((type) => !lines.printed.has(type)), []);
  });
  await t.step("and what the document says of each", async () => {
    const seen = [...printed].map(([name, types]) => [name, [...types].toSorted()]);
    assert.deepEqual(await documented(), Object.fromEntries(seen));
  });
});

/** Does not compile unless the two are the same, words of enumerations and what may be absent included. */
function same<A, B>(..._same: [A] extends [B] ? [B] extends [A] ? [] : ["b"] : ["a"]): void {
  // There is nothing to run: the types are the test.
}

type Tagged<N extends string, T> = { readonly v: 1; readonly type: N } & T;
type Flat<T> = { [K in keyof T]: T[K] };
type Of<S extends keyof typeof schemas & keyof typeof outputs> = Value<(typeof outputs)[S]>;

Deno.test("the schemas and the types that the program works with are the same", () => {
  same<Flat<Tagged<"account", AccountRow>>, Of<"account">>();
  same<Flat<Tagged<"checked", Finding>>, Of<"checked">>();
  same<Flat<Tagged<"health", Health>>, Of<"health">>();
  same<Flat<Tagged<"invite", InviteRow & Partial<AdminOutput<"invite.make">>>>, Of<"invite">>();
  same<Flat<Tagged<"peer", PeerStatus>>, Of<"peer">>();
  same<Flat<Tagged<"reloaded", ReloadAnswer>>, Of<"reloaded">>();
  same<Flat<Tagged<"setting", SettingRow & { readonly running: boolean }>>, Of<"setting">>();
  same<Flat<Tagged<"status", ServerStatus>>, Of<"status">>();
});

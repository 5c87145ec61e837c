/** A program at `client rpc`: every method once, on a real server, and what happens to lines that are none. */
import assert from "node:assert/strict";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { rpcLimits } from "../../../lib/base/limits.ts";
import { type MethodName, methods } from "../../../client/commands/rpc/methods.ts";
import { command, type CommandOptions, jsonOf } from "../../kit/commands.ts";
import { RpcClient } from "../../kit/rpc_client.ts";
import { actions } from "./rpc_actions.ts";
import { goodPassword, Town } from "../../kit/story.ts";

type Json = Record<string, unknown>;

const nextPassword = "wide pebble heron 31";

/** An account with a home of its own. */
async function resident(town: Town, name: string): Promise<CommandOptions> {
  const home = `${town.folder}/${name}`;
  await Deno.mkdir(home);
  const flags = ["--server", town.address, "--accept-new", "--remember"];
  await jsonOf(["register", name, ...flags, "--password-file", town.passwordFile], { home });
  return { home };
}

const id = (result: Json) => (result["message"] as Json)["id"] as string;
const texts = (result: Json) => (result["messages"] as Json[]).map(({ text }) => text);
const names = (list: unknown) => (list as Json[]).map(({ name }) => name);

Deno.test("a program can do through rpc whatever a person can, and hears of everything", async (t) => {
  await using town = await Town.make({ flags: ["--consent", "all"] });
  const [ann, bob] = [await resident(town, "ann"), await resident(town, "bob")];
  const used = new Set<string>();
  const onAction = (action: string) => void used.add(action);
  await using rpc = new RpcClient({ ...ann, onAction });
  await using other = new RpcClient({ ...bob, onAction });

  await t.step("who and where it is", async () => {
    const { newest } = await rpc.call("session.catch_up");
    const info = await rpc.call("session.info");
    assert.deepEqual([info["name"], info["newest"]], ["ann", newest]);
    assert.equal((info["connection"] as Json)["kind"], "online");
    assert.equal((await rpc.event("caught_up"))["v"], 1);
    const { schema } = await rpc.call("session.schema");
    assert.deepEqual(Object.keys((schema as Json)["x-methods"] as Json), Object.keys(methods));
  });

  await t.step("strangers ask first, and are answered", async () => {
    await other.call("user.block", { name: "ann" });
    const refused = await rpc.ask("message.send", { to: "bob", text: "now?" });
    assert.deepEqual([refused.error?.code, refused.error?.data.exit], [-32004, 4]);
    await other.call("user.unblock", { name: "ann" });
    await rpc.call("message.send", { to: "bob", text: "may I?" });
    await other.event("message", ({ message }) => (message as Json)["request"] === true);
    const waiting = await other.call("request.list");
    assert.deepEqual(
      (waiting["conversations"] as Json[]).map(({ conversation }) => conversation),
      ["ann"],
    );
    assert.deepEqual(texts(await other.call("message.read")), []);
    await other.call("request.answer", { conversation: "ann", answer: "accept" });
    assert.deepEqual(texts(await other.call("message.unread")), ["may I?"]);
    assert.deepEqual(texts(await other.call("message.read", { conversation: "ann" })), ["may I?"]);
    const [failed] = (await rpc.call("message.history"))["messages"] as Json[];
    assert.equal(failed?.["state"], "failed");
    await rpc.call("message.retry", { id: failed?.["id"] });
    await rpc.call("message.wait", { id: failed?.["id"], state: "delivered" });
  });

  await t.step("messages are sent, awaited, changed and found", async () => {
    const lunch = id(
      await rpc.call("message.send", { to: "bob", text: "lunch?", wait: "delivered" }),
    );
    const there = await other.event("message", ({ message }) => (message as Json)["id"] === lunch);
    assert.equal((there["message"] as Json)["text"], "lunch?");
    await other.call("message.mark", { id: lunch });
    const read = await rpc.call("message.wait", { id: lunch, state: "read" });
    assert.equal((read["message"] as Json)["state"], "read");
    await rpc.call("message.edit", { id: lunch, text: "lunch at two?" });
    await other.event("changed", ({ message }) => (message as Json)["text"] === "lunch at two?");
    await other.call("message.react", { id: lunch, emoji: "👍" });
    await rpc.event("changed", ({ message }) => (message as Json)["reactions"] !== undefined);
    const answer = id(await other.call("message.send", { to: "ann", text: "yes", replyTo: lunch }));
    await rpc.event("message", ({ message }) => (message as Json)["id"] === answer);
    const found = (await rpc.call("message.get", { id: answer }))["message"] as Json;
    assert.equal((found["replyTo"] as Json)["quote"], "lunch at two?");
    assert.deepEqual(texts(await rpc.call("message.history", { conversation: "bob", limit: 1 })), [
      "yes",
    ]);
    assert.deepEqual(texts(await rpc.call("message.history", { grep: "^lunch at (two|three)" })), [
      "lunch at two?",
    ]);
    assert.deepEqual(texts(await rpc.call("message.search", { text: "AT TWO?" })), [
      "lunch at two?",
    ]);
    const { message } = await rpc.call("message.delete", { id: lunch });
    assert.equal((message as Json)["deleted"], true);
    const { receipts } = await rpc.call("message.export", { conversation: "bob" });
    assert.deepEqual((receipts as string[]).map((one) => JSON.parse(one).from), [
      "ann",
      "ann",
    ]);
  });

  await t.step(
    "what is asked one after another for one conversation happens in that order",
    async () => {
      const sent = Array.from(
        { length: 20 },
        (_, number) => rpc.call("message.send", { to: "#lobby", text: `line ${number}` }),
      );
      await Promise.all(sent);
      const last = texts(await rpc.call("message.history", { conversation: "#lobby", limit: 20 }));
      assert.deepEqual(last, Array.from({ length: 20 }, (_, number) => `line ${number}`));
    },
  );

  await t.step(
    "conversations are listed, expire, get fresh keys, and leave the archive",
    async () => {
      const { conversations } = await rpc.call("conversation.list");
      const kinds = (conversations as Json[]).map(({ kind }) => kind).sort();
      assert.deepEqual(kinds, ["direct", "lobby"]);
      const hour = { conversation: "bob", after: 3_600_000 };
      assert.equal(
        ((await rpc.call("conversation.expire", hour))["expiry"] as Json)["after"],
        hour.after,
      );
      const { expiry } = await rpc.call("conversation.lifetime", { conversation: "bob" });
      assert.equal((expiry as Json)["after"], hour.after);
      await rpc.call("conversation.rekey", { conversation: "bob" });
      await rpc.call("archive.fetch");
      const { archived } = await rpc.call("conversation.archive", {
        conversation: "bob",
        keep: false,
      });
      assert.equal((archived as Json)["kept"], false);
      assert.equal(((await rpc.call("archive.status"))["archive"] as Json)["damaged"], 0);
      const { archive } = await rpc.call("archive.status", { settle: true });
      assert.deepEqual((archive as Json)["off"], ["bob"]);
    },
  );

  await t.step("groups are made, changed and left, and their changes are told", async () => {
    await rpc.call("group.create", { name: "team", users: ["bob"] });
    await other.event("group", ({ group }) => (group as Json)["name"] === "team");
    assert.deepEqual(names((await other.call("group.list"))["groups"]), ["team"]);
    await rpc.call("group.role", { group: "#team", user: "bob", role: "admin" });
    await other.event("group", ({ group }) => (group as Json)["role"] === "admin");
    await rpc.call("group.rename", { group: "team", name: "crew" });
    await other.event("group", ({ group }) => (group as Json)["name"] === "crew");
    await rpc.call("message.send", { to: "#crew", text: "hello all" });
    const removed = await rpc.call("group.remove", { group: "crew", users: ["bob"] });
    assert.deepEqual(removed["names"], ["bob"]);
    await other.event("group", ({ group }) => (group as Json)["standing"] === "removed");
    const added = await rpc.call("group.add", { group: "crew", users: ["@bob"] });
    assert.deepEqual(added["names"], ["bob"]);
    const { group } = await rpc.call("group.get", { group: "crew" });
    assert.deepEqual(names((group as Json)["members"]).sort(), ["ann", "bob"]);
    await rpc.call("group.create", { name: "short", users: [] });
    await rpc.call("group.dissolve", { group: "short" });
    await rpc.call("group.remove", { group: "crew", users: ["bob"] });
    const left = await rpc.call("group.leave", { group: "crew" });
    assert.match(String((left["group"] as Json)["standing"]), /^(leaving|left)$/);
  });

  await t.step("files are sent with their progress, fetched and declined", async () => {
    assert.ok(Number((await rpc.call("file.rules"))["maxBytes"]) > 0);
    const paths = ["a.txt", "b.txt"].map((name) => `${town.folder}/${name}`);
    for (const path of paths) await Deno.writeTextFile(path, `what ${path} says`);
    for (const path of paths) await rpc.call("file.send", { to: "bob", path });
    const { done, total } = await rpc.event("progress");
    assert.ok(Number(done) <= Number(total));
    assert.deepEqual(await rpc.call("file.unfinished"), { uploads: [] });
    await other.event(
      "message",
      ({ message }) =>
        (message as Json)["text"] !== "" && JSON.stringify(message).includes("b.txt"),
    );
    const { files } = await other.call("file.list", { conversation: "ann" });
    assert.deepEqual(names(files), ["a.txt", "b.txt"]);
    const into = `${town.folder}/saved.txt`;
    const got = await other.call("file.get", { id: "1", path: into });
    assert.equal(got["path"], into);
    assert.equal(await Deno.readTextFile(into), `what ${paths[0]} says`);
    const { file } = await other.call("file.decline", { id: "2" });
    assert.equal((file as Json)["state"], "declined");
  });

  await t.step("accounts, keys, blocking and notifications", async () => {
    assert.deepEqual(names((await rpc.call("user.list", { all: true }))["users"]).sort(), [
      "ann",
      "bob",
    ]);
    const { check } = await rpc.call("user.check", { name: "@nobody" });
    assert.deepEqual([(check as Json)["name"], (check as Json)["exists"]], ["nobody", false]);
    const { key } = await rpc.call("user.key", { name: "bob" });
    const digits = (key as Json)["safetyNumber"];
    const verified = await rpc.call("user.verify", { name: "bob", digits });
    assert.equal((verified["key"] as Json)["state"], "verified");
    const other60 = await rpc.ask("user.verify", { name: "bob", digits: "1".repeat(60) });
    assert.deepEqual([other60.error?.code, other60.error?.data.exit], [-32005, 5]);
    const few = await rpc.ask("user.verify", { name: "bob", digits: "12345" });
    assert.equal(few.error?.data.exit, 2);
    const undone = await rpc.call("user.unverify", { name: "bob" });
    assert.equal((undone["key"] as Json)["state"], "unverified");
    await rpc.call("user.block", { name: "bob" });
    assert.deepEqual(names((await rpc.call("user.blocked"))["blocked"]), ["bob"]);
    await rpc.call("user.unblock", { name: "bob" });
    const { notifications } = await other.call("notification.list", { all: true });
    const last = Math.max(...(notifications as Json[]).map((one) => Number(one["id"])));
    await other.call("notification.seen", { through: last });
    assert.deepEqual(await other.call("notification.list"), { notifications: [] });
  });

  await t.step("devices, directory and password", async () => {
    const { devices } = await rpc.call("device.list");
    const [device] = devices as Json[];
    const key = String(device?.["device"]);
    const renamed = await rpc.call("device.rename", {
      device: key.slice(0, 8),
      label: "the robot",
    });
    assert.equal((renamed["device"] as Json)["label"], "the robot");
    const itself = await rpc.ask("device.revoke", { device: key });
    assert.equal(itself.error?.data.code, "blocked");
    assert.ok(Number(((await rpc.call("directory.state"))["directory"] as Json)["size"]) > 0);
    assert.ok(Number((await rpc.call("directory.trust", { yes: true }))["now"]) > 0);
    assert.deepEqual(await rpc.call("password.check", { password: goodPassword }), { right: true });
    const weak = await rpc.ask("password.change", { current: goodPassword, next: "12345678" });
    assert.equal(weak.error?.data.exit, 4);
    await rpc.call("password.change", { current: goodPassword, next: nextPassword });
    assert.deepEqual(await rpc.call("password.check", { password: goodPassword }), {
      right: false,
    });
  });

  await t.step("another machine of the account is revoked from here", async () => {
    const home = `${town.folder}/ann2`;
    await Deno.mkdir(home);
    await Deno.writeTextFile(`${home}/pw`, nextPassword);
    const flags = ["--server", town.address, "--accept-new", "--remember", "--password-file"];
    await jsonOf(["login", "ann", ...flags, `${home}/pw`], { home });
    await rpc.event(
      "notification",
      ({ notification }) => (notification as Json)["kind"] === "device_added",
    );
    const { devices } = await rpc.call("device.list");
    const second = (devices as Json[]).find(({ current }) => current === false);
    const { device } = await rpc.call("device.revoke", { device: second?.["device"] });
    assert.equal((device as Json)["revoked"], true);
  });

  await t.step("events are chosen, replayed, and requests cancelled", async () => {
    const chosen = await rpc.call("session.events", { kinds: ["message"] });
    assert.deepEqual(chosen, { kinds: ["message"] });
    const before = rpc.events.length;
    const { count } = await rpc.call("session.replay", { after: 0 });
    assert.ok(Number(count) > 20);
    assert.equal(rpc.events.length - before, count);
    const waits = rpc.ask("message.send", { to: "bob", text: "one more", wait: "read" }, "long");
    await other.event("message", ({ message }) => (message as Json)["text"] === "one more");
    assert.deepEqual(await rpc.call("session.cancel", { id: "long" }), { count: 1 });
    assert.equal((await waits).error?.data.code, "cancelled");
    const late = await rpc.ask("message.send", {
      to: "bob",
      text: "and another",
      wait: "read",
      timeoutMs: 1,
    });
    assert.deepEqual([late.error?.code, late.error?.data.exit], [-32007, 7]);
  });

  await t.step("the end of input ends it", async () => {
    const { code, err } = await rpc.finish();
    assert.deepEqual([code, err], [0, ""]);
  });

  await t.step("every method was answered, and every action of the engine was used", () => {
    const all = new Set([...rpc.answered, ...other.answered]);
    assert.deepEqual(Object.keys(methods).filter((name) => !all.has(name)), []);
    const wanted = Object.entries(actions).filter(([, done]) => done === true);
    assert.deepEqual(wanted.map(([name]) => name).filter((name) => !used.has(name)), []);
  });
});

Deno.test("lines that are no requests are answered, and the next one is served", async () => {
  await using town = await Town.make();
  const ann = await resident(town, "ann");
  await using rpc = new RpcClient(ann);
  const wrong: [string, number][] = [
    ["{", -32700],
    ["\ufffd", -32700],
    ["[]", -32600],
    ['"text"', -32600],
    ["{}", -32600],
    ['{"jsonrpc":"2.0","id":{},"method":"session.info"}', -32600],
    ['{"jsonrpc":"2.0","method":7}', -32600],
    [`{"jsonrpc":"2.0","id":"${"x".repeat(200)}","method":"session.info"}`, -32600],
    ["[".repeat(100_000), -32700],
    ["x".repeat(rpcLimits.lineBytes + 1), -32600],
  ];
  for (const [line, code] of wrong) {
    await rpc.write(line);
    const answer = await rpc.stray();
    assert.equal(answer.error?.code, code, `${line.slice(0, 60)}: ${answer.error?.message}`);
    assert.equal(answer.id, null);
  }
  for (const blank of ["", "\r"]) await rpc.write(blank);
  const unknown = await rpc.ask("message.shout", { to: "bob" });
  assert.equal(unknown.error?.code, -32601);
  const params: [MethodName, object, RegExp][] = [
    ["message.send", { to: "bob" }, /params must have required properties text/],
    ["message.send", { to: "bob", text: "x", txt: "y" }, /^there is no parameter txt/],
    ["message.send", { to: "bob", text: 7 }, /^text must be string/],
    ["message.send", [], /params must be object/],
    ["message.history", { grep: "(" }, /^grep: /],
  ];
  for (const [method, given, text] of params) {
    const { error } = await rpc.ask(method, given);
    assert.equal(error?.data.exit, 2);
    assert.match(error?.message ?? "", text);
  }
  // Nobody is answered who gives no id; it is done all the same.
  await rpc.write(
    '{"jsonrpc":"2.0","method":"message.send","params":{"to":"#lobby","text":"psst"}}',
  );
  await rpc.event("message", ({ message }) => (message as Json)["text"] === "psst");
  const hostile = await rpc.ask("message.history", { grep: "(p|ps|s)+$.$" });
  assert.deepEqual(hostile.result, { messages: [] });
});

Deno.test("what is asked before the end of input is answered, and a reader that has gone ends it", async () => {
  await using town = await Town.make();
  const ann = await resident(town, "ann");
  const requests = Array.from({ length: rpcLimits.inFlight + 50 }, (_, number) => ({
    jsonrpc: "2.0",
    id: number,
    ...number % 10 === 0
      ? { method: "message.send", params: { to: "#lobby", text: `n ${number}` } }
      : { method: "session.info" },
  }));
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join("");
  const { code, out } = await command(["rpc"], { ...ann, input });
  assert.equal(code, 0);
  const answers = out.split("\n").map((line) => JSON.parse(line))
    .filter(({ id }) => id !== undefined).sort((a, b) => a.id - b.id);
  assert.deepEqual(
    answers.map(({ id, result }) => [id, result?.message?.state ?? result?.name]),
    requests.map(({ id, method }) => [id, method === "message.send" ? "sent" : "ann"]),
  );

  await using rpc = new RpcClient({
    ...ann,
    onLine: () => {
      throw new ExitError("done", "nobody reads");
    },
  });
  assert.deepEqual(await rpc.ended, { code: 0, out: "", err: "" });
});

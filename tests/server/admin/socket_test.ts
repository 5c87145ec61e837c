import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { adminLimits } from "../../../lib/base/limits.ts";
import { silentLogger } from "../../../lib/base/log.ts";
import { runUserCommand } from "../../../server/admin/account_commands.ts";
import { RunningServer } from "../../../server/admin/ask.ts";
import type { AdminHandlers } from "../../../server/admin/protocol.ts";
import { AdminSocket } from "../../../server/admin/socket.ts";
import { sizeText, spanText } from "../../../server/admin/text.ts";
import { TempFolder } from "../../kit/folder.ts";

function refuse(error: Error): () => Promise<never> {
  return () => Promise.reject(error);
}

function listening(folder: string, handlers: Partial<AdminHandlers>): AdminSocket {
  const all = {
    status: refuse(new Error("secret")),
    stop: refuse(new Error("secret")),
    ...handlers,
  };
  return new AdminSocket({ folder, handlers: all as AdminHandlers, logger: silentLogger });
}

/** Sends bytes as they are and reads up to the end of the answer's line. */
async function raw(folder: string, bytes: Uint8Array): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path: `${folder}/admin.sock` });
  let text = "";
  const chunk = new Uint8Array(4096);
  const reading = (async () => {
    while (!text.includes("\n")) {
      const count = await connection.read(chunk).catch(() => null);
      if (count === null) return;
      text += new TextDecoder().decode(chunk.subarray(0, count));
    }
  })();
  for (let at = 0; at < bytes.length;) {
    const count = await connection.write(bytes.subarray(at)).catch(() => undefined);
    if (count === undefined) break;
    at += count;
  }
  await reading;
  return text;
}

Deno.test("refusals keep their reason, failures keep their cause to themselves", async () => {
  await using folder = await TempFolder.make();
  const socket = listening(folder.path, {
    stop: refuse(new ExitError("notAllowed", "not today")),
  });
  using server = await RunningServer.connect(folder.path);
  await rejects(server.ask("stop", {}), { reason: "notAllowed", message: "not today" });
  await rejects(server.ask("status", {}), (thrown: ExitError) => {
    strictEqual(thrown.reason, "failed");
    return !thrown.message.includes("secret");
  });
  socket.close();
});

Deno.test("what is no request is refused, and too long a line ends the conversation", async () => {
  await using folder = await TempFolder.make();
  const socket = listening(folder.path, {});
  const encode = (text: string) => new TextEncoder().encode(text);
  for (const line of ["", "x", "[]", "null", '{"do":1,"with":{}}', '{"do":"stop"}', "\xff"]) {
    match(await raw(folder.path, encode(`${line}\n`)), /"refused":\{"reason":"usage"/, line);
  }
  const unknown = '{"v":1,"do":"toString","with":{}}\n';
  match(await raw(folder.path, encode(unknown)), /"reason":"version".*older/);
  strictEqual(await raw(folder.path, new Uint8Array(adminLimits.lineBytes + 8192)), "");
  socket.close();
});

Deno.test("a server that goes away in the middle is told as such", async () => {
  await using folder = await TempFolder.make();
  const asked = Promise.withResolvers<void>();
  const socket = listening(folder.path, {
    status: () => {
      asked.resolve();
      return new Promise(() => undefined);
    },
  });
  using server = await RunningServer.connect(folder.path);
  const answer = rejects(server.ask("status", {}), { reason: "network" });
  await asked.promise;
  socket.close();
  await answer;
  strictEqual(await RunningServer.find(folder.path), undefined);
});

Deno.test("times and sizes for people", () => {
  deepStrictEqual([0, 999, 61_000, 3_600_000, 90_061_000].map(spanText), [
    "0 s",
    "0 s",
    "1 min 1 s",
    "1 h",
    "1 d 1 h",
  ]);
  deepStrictEqual([0, 1023, 1536, 5 * 1024 ** 3].map(sizeText), [
    "0 bytes",
    "1023 bytes",
    "1.5 KiB",
    "5.0 GiB",
  ]);
});

Deno.test("an account is deleted only when the person at the terminal types its name, or nobody is to be asked", async () => {
  await using folder = await TempFolder.make();
  const deleted: string[] = [];
  const socket = listening(folder.path, {
    "user.delete": ({ name }) => {
      deleted.push(name);
      return Promise.resolve({ name, account: "id", groups: 2, direct: 1, files: 0 });
    },
  });
  const said: string[] = [];
  const remove = (typed: string | undefined, { sure = false } = {}) =>
    runUserCommand({ kind: "user", action: "delete", name: "sam", sure, json: false }, {
      folder: folder.path,
      ask: (question) => {
        said.push(question);
        return typed;
      },
      print: (line) => said.push(line),
    });
  await rejects(remove("no"), { reason: "failed", message: "nothing was deleted" });
  await rejects(remove(""), { reason: "failed" });
  await rejects(remove(undefined), { reason: "usage", message: /--yes/ });
  deepStrictEqual(deleted, []);
  match(said[0] ?? "", /account sam for good.*Type sam to go on/);
  strictEqual(await remove(" sam\n"), 0);
  strictEqual(await remove(undefined, { sure: true }), 0);
  deepStrictEqual(deleted, ["sam", "sam"]);
  match(said.at(-1) ?? "", /2 groups and 1 conversation, and 0 files .* name stays taken/);
  socket.close();
});

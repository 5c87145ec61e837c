/** What was said in private stays out of every file: of the server altogether, of the client in the clear. */
import assert from "node:assert/strict";
import { fromBase64url, toHex } from "../../../lib/base/bytes.ts";
import type { DeviceFacts } from "./kit.ts";
import { message, patience } from "./kit.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

async function filesUnder(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesUnder(`${folder}/${name}`));
    else found.push(`${folder}/${name}`);
  }
  return found;
}

/** Files that a process has mapped into its memory, its program and what that comes with left out. */
async function mappedFiles(pid: number): Promise<string[]> {
  // By another program: Deno itself reads /proc only with all permissions.
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/maps`] }).output();
  const maps = new TextDecoder().decode(stdout);
  const paths = maps.split("\n").map((line) => line.slice(line.indexOf("/")).trim());
  const program = /^\/(dev|lib|lib64|usr)\//;
  return [...new Set(paths)].filter((path) =>
    path.startsWith("/") && !program.test(path) && path !== Deno.execPath()
  );
}

/** The files that hold one of the markers, with it; files that have gone meanwhile hold none. */
async function holding(files: readonly string[], markers: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of files) {
    const bytes = await Deno.readFile(file).catch(() => new Uint8Array());
    const text = new TextDecoder("latin1").decode(bytes);
    found.push(
      ...markers.filter((marker) => text.includes(marker)).map((one) => `${file}: ${one}`),
    );
  }
  return found;
}

/** Each marker as it is, in hexadecimal, in base64 at each of the three offsets, and in UTF-16. */
function forms(text: string): string[] {
  const base64 = [0, 1, 2].map((offset) =>
    btoa("x".repeat(offset) + text).slice(4, -4).replaceAll("=", "")
  );
  const utf16 = [...text].join("\0");
  return [text, toHex(new TextEncoder().encode(text)), utf16, ...base64];
}

const raw = (text: string) => new TextDecoder("latin1").decode(fromBase64url(text));

function secretsOf(facts: DeviceFacts): string[] {
  const seeds = [facts.deviceSeed, facts.accountSeed, facts.profileKey];
  return [...seeds, ...seeds.map(raw), ...seeds.map((one) => toHex(fromBase64url(one)))];
}

Deno.test("the text of a private message and the clients' keys are in no file of the server, nor of its memory", async () => {
  await using village = await Village.make();
  const marker = "zebra crossing at midnight 4711";
  const [aliceFacts, bobbyFacts] = [await village.device("alice"), await village.device("bobby")];
  const [alice, bobby] = [await village.open(aliceFacts), await village.open(bobbyFacts)];
  const sent = await alice.send(to("bobby"), marker);
  await message(bobby, marker);
  await alice.waitFor(sent.id, "delivered", patience());
  // Some of it stays undelivered, so that there is ciphertext at the server to look through.
  await bobby.stop();
  for (let at = 0; at < 20; at++) await alice.send(to("bobby"), `${marker} ${at}`);
  const last = await alice.send(to("bobby"), marker);
  await alice.waitFor(last.id, "sent", patience());

  const secrets = [...forms(marker), ...secretsOf(aliceFacts), ...secretsOf(bobbyFacts)];
  const server = await filesUnder(village.server.data);
  assert.ok(
    server.some((file) => file.endsWith(".db")) && server.some((file) => /wal$/.test(file)),
  );
  assert.deepEqual(await holding(server, secrets), []);
  const mapped = await mappedFiles(village.server.process.pid);
  assert.ok(mapped.length > 0);
  assert.deepEqual(await holding(mapped, [marker, ...secretsOf(aliceFacts)]), []);
  assert.ok(!village.server.process.err.some((line) => line.includes(marker)));
});

Deno.test("a client's store holds no text, no name and no key in the clear", async () => {
  await using village = await Village.make();
  const marker = "zebra crossing at midnight 4711";
  const posted = "the weather in the lobby 1234";
  const bobbyFacts = await village.device("bobby.the.contact");
  const aliceFacts = await village.device("alice.the.owner");
  const [alice, bobby] = [await village.open(aliceFacts), await village.open(bobbyFacts)];
  const sent = await alice.send(to("bobby.the.contact"), marker);
  await alice.send({ kind: "lobby" }, posted);
  await message(bobby, posted);
  await bobby.send(to("alice.the.owner"), marker);
  await message(alice, marker);
  await alice.waitFor(sent.id, "delivered", patience());
  await alice.send(to("nobody.of.that.name"), marker).then(({ id }) =>
    alice.waitFor(id, "sent", patience())
  );

  const names = ["bobby.the.contact", "nobody.of.that.name"];
  const secrets = [...forms(marker), ...forms(posted), ...names.flatMap(forms)]
    .concat(secretsOf(aliceFacts), bobbyFacts.account);
  assert.deepEqual(await holding(await filesUnder(aliceFacts.folder), secrets), []);
});

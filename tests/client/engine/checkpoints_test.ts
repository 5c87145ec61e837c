/** Directory checkpoints inside encrypted conversations. */
import assert from "node:assert/strict";
import { fromBase64url, fromUtf8, toBase64url, utf8 } from "../../../lib/base/bytes.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import { contentLimits } from "../../../lib/base/limits.ts";
import { signingKeyFromPem } from "../../../lib/crypto/key_files.ts";
import { signCheckpoint } from "../../../lib/directory/checkpoint.ts";
import { directoryOrigin } from "../../../lib/directory/origin.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import { Checkpoints } from "../../../client/store/checkpoints.ts";
import { Meta } from "../../../client/store/meta.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { sealerOf } from "../../../client/store/seal.ts";
import { TempFolder } from "../../kit/folder.ts";
import { lightProfile, someIdentity } from "../entrance/light_profile.ts";
import { generateSigningKey } from "../../../lib/crypto/sign.ts";
import { type DeviceFacts, message, nextEvent } from "./kit.ts";
import { storiesOf } from "./stories.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

/** The store of a device beside the engine that uses it. */
function storeOf(facts: DeviceFacts) {
  const database = openDatabase(`${facts.folder}/profile.db`, { migrations: profileMigrations });
  const sealed = { database, ...sealerOf(fromBase64url(facts.profileKey)) };
  return {
    meta: new Meta(sealed),
    heard: () => new Checkpoints(sealed).heard(),
    told: () => database.prepare("SELECT size, at FROM checkpoints_told ORDER BY thread").all(),
    [Symbol.dispose]: () => database.close(),
  };
}

const test = storiesOf("checkpoints in conversations");

test("two people who talk tell each other what they saw of the directory, once a day, and nothing shows", async (village) => {
  let ahead = 0;
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const [a, b] = [await village.device("alice"), await village.device("bobby")];
  const alice = await village.open(a, { clock });
  const bobby = await village.open(b);
  using store = storeOf(a);
  // The first message is queued before anything was asked of the directory.
  for (const text of ["one", "two", "three"]) {
    await alice.send(to("bobby"), text);
    await message(bobby, text);
  }
  assert.equal(store.told().length, 1);
  const [first] = store.told();
  const carol = await village.online("carol");
  // Asking for her keys shows the log that she made longer.
  await alice.send(to("carol"), "welcome");
  await message(carol, "welcome");
  await alice.send(to("bobby"), "four");
  assert.deepEqual(store.told()[0], first, "not twice in a day");
  ahead = contentLimits.checkpointMs + 1000;
  await alice.send(to("bobby"), "five");
  await message(bobby, "five");
  assert.notDeepEqual(store.told()[0], first, "after a day, when the log has grown");
  const second = store.told();
  ahead += contentLimits.checkpointMs + 1000;
  await alice.send(to("bobby"), "six");
  await message(bobby, "six");
  assert.deepEqual(store.told(), second, "not when the log is the same");
  const texts = (await bobby.history({})).map(({ text }) => text);
  assert.deepEqual(texts, ["one", "two", "three", "four", "five", "six"]);
});

test("a server that showed the other side another log is found out when they talk", async (village) => {
  const [a, b] = [await village.device("alice2"), await village.device("bobby2")];
  const [alice, bobby] = [await village.open(a), await village.open(b)];
  await alice.send(to("bobby2"), "hello");
  await message(bobby, "hello");
  using store = storeOf(a);
  using others = storeOf(b);
  const { size } = JSON.parse(fromUtf8(store.meta.get("checkpoint") ?? new Uint8Array()));
  const key = signingKeyFromPem(Deno.readTextFileSync(`${village.server.data}/identity.key`));
  const origin = directoryOrigin(key.publicKey);
  const root = crypto.getRandomValues(new Uint8Array(32));
  const signed = signCheckpoint(key, { origin, size, root });
  // What alice would have been shown by a server that lies to her.
  store.meta.set("checkpoint", utf8(JSON.stringify({ size, root: toBase64url(root), signed })));
  const warned = nextEvent(
    bobby,
    (event) => event.kind === "warning" && /different logs to different people/.test(event.text),
    { what: "a warning" },
  );
  await alice.send(to("bobby2"), "what do you see?");
  const warning = await warned;
  assert.ok(warning.kind === "warning" && warning.text.includes("alice2"));
  await bobby.stop();
  const alarms = JSON.parse(fromUtf8(others.meta.get("directory") ?? utf8("[]")));
  assert.equal(alarms[0].evidence.there, signed);
  assert.deepEqual(others.heard(), [], "compared once");
});

Deno.test("what others say is bounded: the latest of each account, of so many accounts", async () => {
  await using temp = await TempFolder.make();
  const me = someIdentity({ name: "me-myself", serverKey: generateSigningKey().publicKey });
  using profile = lightProfile(temp.path, me);
  const checkpoints = new Checkpoints(profile);
  for (let at = 0; at < contentLimits.checkpointsHeard + 5; at++) {
    for (const checkpoint of ["older", "newer"]) {
      checkpoints.hear({ account: `account ${at}`, name: "x", checkpoint });
    }
  }
  const heard = checkpoints.heard();
  assert.equal(heard.length, contentLimits.checkpointsHeard);
  assert.ok(heard.every(({ checkpoint }) => checkpoint === "newer"));
  const [one] = heard;
  assert.ok(one !== undefined);
  checkpoints.compared({ ...one, checkpoint: "older" });
  assert.equal(checkpoints.heard().length, heard.length, "what was said since then stays");
  checkpoints.compared(one);
  assert.equal(checkpoints.heard().length, heard.length - 1);
});

/** The archive: how fast a long history goes into it, and how soon a new device has it. */
import type { EngineEvent } from "../client/engine/api.ts";
import { Messages } from "../client/store/messages.ts";
import { profileMigrations } from "../client/store/schema.ts";
import { sealerOf } from "../client/store/seal.ts";
import { Threads } from "../client/store/threads.ts";
import { fromBase64url, toBase64url, utf8 } from "../lib/base/bytes.ts";
import { timeOrderedId } from "../lib/base/ids.ts";
import { openDatabase } from "../lib/sql/open.ts";
import { type DeviceFacts, message } from "../tests/client/engine/kit.ts";
import { Village } from "../tests/client/engine/village.ts";
import { report } from "./report.ts";

const to = { kind: "direct", name: "friend" } as const;

/** Puts `count` received messages into a device's store, as large as real ones, without sending them. */
function fill(facts: DeviceFacts, count: number): void {
  const database = openDatabase(`${facts.folder}/profile.db`, { migrations: profileMigrations });
  const sealed = { database, ...sealerOf(fromBase64url(facts.profileKey)) };
  const [threads, messages] = [new Threads(sealed), new Messages(sealed)];
  const thread = threads.byName("friend")?.thread ?? 0;
  const begin = Date.now() - count * 1000;
  database.transaction(() => {
    for (let at = 0; at < count; at++) {
      const ts = begin + at * 1000;
      const id = timeOrderedId(ts);
      const text = `message ${at}: ${"lorem ipsum dolor ".repeat(at % 6)}`;
      const content = utf8(JSON.stringify({ v: 1, id, kind: "text", text, sentAt: ts }));
      messages.add({
        thread,
        id,
        seq: 100 + at,
        own: false,
        unread: false,
        state: "received",
        ts,
        sentAt: ts,
        content: {
          from: "friend",
          text,
          signed: {
            content: toBase64url(content),
            signature: toBase64url(crypto.getRandomValues(new Uint8Array(64))),
            certificate: facts.certificate,
          },
        },
      });
    }
  });
  database.close();
}

/** A history of `count` messages is archived, and fetched by a device that has none of it. */
export async function archive(count = 10_000): Promise<void> {
  await using village = await Village.make();
  const facts = await village.device("writer");
  const friend = await village.online("friend");
  const first = await village.open(facts);
  await friend.send({ kind: "direct", name: "writer" }, "hello");
  await message(first, "hello");
  await first.stop();
  fill(facts, count);
  const writer = village.engine(facts);
  const began = performance.now();
  await writer.start({ receive: true, keepTrying: false });
  const { total, bytes = 0 } = await writer.archive.settled();
  const archived = performance.now() - began;

  const fresh = village.engine(await village.device("writer"));
  const begun = performance.now();
  let usable = 0;
  let complete = 0;
  fresh.subscribe((event: EngineEvent) => {
    if (event.kind !== "archive") return;
    const at = performance.now() - begun;
    if (event.progress.have > 0 && usable === 0) usable = at;
    if (event.progress.complete) complete = at;
  });
  await fresh.start({ receive: true, keepTrying: false });
  await fresh.caughtUp();
  const caughtUp = performance.now() - begun;
  const { have } = await fresh.archive.settled();
  const shown = (await fresh.history({ target: to, limit: 50 })).length;
  report("archive", {
    messages: count,
    bytes,
    "archived/s": Math.round(total / archived * 1000),
    "new device usable ms": Math.round(Math.max(usable, caughtUp)),
    "complete ms": Math.round(complete),
    "have of total": `${have} of ${total}`,
    "last page": shown,
  });
}

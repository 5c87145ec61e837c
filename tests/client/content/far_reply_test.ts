/** Answers of people of other servers, to messages that are not here. */
import assert from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { takeContent } from "../../../client/engine/content/take.ts";
import { Desk, person } from "../engine/resend_kit.ts";

/** The name at an answer's quotation, as it is kept here. */
async function quotedName(author: string, claimed: string): Promise<string | undefined> {
  await using desk = await Desk.make(person("sam"));
  const { core, thread } = desk;
  const [id, to] = [randomId(), randomId()];
  const body = { text: "as he says", reply: { id: to, from: claimed, quote: "no" } };
  const taken = takeContent(
    {
      content: { id, kind: "text", body, sentAt: 5 },
      signed: { content: "", signature: "", certificate: "" },
    },
    {
      ...{ thread, id, seq: 1, ts: 5, own: false },
      from: { account: randomId(), name: author, device: "" },
    },
    10,
  );
  assert.equal(taken.kind, "stored");
  if (taken.kind === "stored") core.sealed.database.transaction(() => taken.store(core));
  return core.messages.inThread(thread, id)?.content.reply?.from;
}

Deno.test("a bare name in an answer from another server is nobody of this one", async () => {
  assert.equal(await quotedName("rae@office", "bob"), "bob@office");
  assert.equal(await quotedName("rae@office", "zoe@yard"), "zoe@yard");
  assert.equal(await quotedName("rae", "bob"), "bob");
});

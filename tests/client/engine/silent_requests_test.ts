/** What strangers say without words, where everybody is asked first. */
import assert from "node:assert/strict";
import type { Engine } from "../../../client/engine/api.ts";
import { message, nextEvent, patience } from "./kit.ts";
import { Village } from "./village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

const requests = async (engine: Engine) =>
  (await engine.conversations()).filter(({ request }) => request === true)
    .map(({ conversation }) => conversation);

Deno.test("what makes no line is no request, and takes none up that was declined", async () => {
  await using village = await Village.make({ args: ["--consent", "all"] });
  const [olga, eve] = [await village.online("olga"), await village.online("eve")];
  await eve.content.expire(to("olga"), 60_000);
  await message(olga, "eve made messages disappear 1 min after they are read");
  assert.deepEqual(await requests(olga), []);

  await eve.send(to("olga"), "buy my tulips");
  await message(olga, "buy my tulips");
  assert.deepEqual(await requests(olga), ["eve"]);
  await olga.requests.answer(to("eve"), "decline");

  const phone = await village.online("olga");
  const refused = nextEvent(
    phone,
    (event) => event.kind === "warning" && /the request of eve was declined/.test(event.text),
  );
  await phone.content.expire(to("eve"), 60_000);
  await refused;
  // Words do what a setting does not.
  const said = await phone.send(to("eve"), "red ones?");
  await phone.waitFor(said.id, "sent", patience());
  await message(eve, "red ones?");
});

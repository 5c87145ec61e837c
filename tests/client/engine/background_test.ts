/** Work that nobody waits for: of what it fails by a person is told what matters. */
import assert from "node:assert/strict";
import type { Core } from "../../../client/engine/core.ts";
import { Sync, type SyncOptions } from "../../../client/engine/sync.ts";
import { AppError, type ErrorCode } from "../../../lib/base/errors.ts";
import { turns } from "../../wire/kit.ts";

/** What a person is told, and what is logged, when work fails with each of the codes. */
async function failingWith(...codes: readonly ErrorCode[]) {
  const [warned, logged]: [string[], unknown[]] = [[], []];
  const core: Pick<Core, "warn" | "logger"> = {
    warn: (text) => warned.push(text),
    logger: { log: (_, event, fields) => logged.push([event, fields?.["code"]]) },
  };
  const sync = new Sync(core as Core, {} as SyncOptions);
  for (const code of codes) {
    sync.inBackground(() => Promise.reject(new AppError(code, { text: `it was ${code}` })));
  }
  await turns();
  await sync.stop();
  return { warned, logged };
}

Deno.test("work left over for a conversation that one is out of by then warns nobody; any other failure is told", async () => {
  const left = await failingWith("not_a_member", "timeout");
  assert.deepEqual(left.warned, []);
  assert.deepEqual(left.logged, [
    ["background_work_failed", "not_a_member"],
    ["background_work_failed", "timeout"],
  ]);
  const other = await failingWith("not_allowed", "group_full");
  assert.deepEqual(other.warned, ["it was not_allowed", "it was group_full"]);
});

Deno.test("what fails because everything ends, or would begin after that, warns nobody", async () => {
  const warned: string[] = [];
  const core: Pick<Core, "warn" | "logger"> = {
    warn: (text) => warned.push(text),
    logger: { log: () => undefined },
  };
  const sync = new Sync(core as Core, {} as SyncOptions);
  const { promise, reject } = Promise.withResolvers<void>();
  sync.inBackground(() => promise);
  const stopped = sync.stop();
  reject(new AppError("internal", { text: "cut off" }));
  await stopped;
  let began = false;
  sync.inBackground(() => Promise.resolve(began = true));
  await turns();
  assert.deepEqual([warned, began], [[], false]);
});

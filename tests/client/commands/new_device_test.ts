/** One-shot commands on a device to which the account's history has not come yet. */
import assert from "node:assert/strict";
import { history, historyMissing, read, unread } from "../../../client/commands/messages.ts";
import type { Run } from "../../../client/commands/session.ts";
import type { ChatMessage } from "../../../client/engine/api.ts";
import { message } from "../ui/playback.ts";

/** A run over a new device, whose history is what `comes` when it is asked for; undefined: it does not come. */
function newDevice(comes: readonly ChatMessage[] | undefined) {
  const [out, err]: [string[], string[]] = [[], []];
  let here: readonly ChatMessage[] | undefined;
  const engine = {
    self: { name: "ann" },
    start: () => Promise.resolve(),
    caughtUp: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    archive: {
      isHere: () => here !== undefined,
      fetched: () => Promise.resolve(here = comes),
    },
    unread: () => Promise.resolve(here ?? []),
    history: () => Promise.resolve(here ?? []),
    markRead: () => Promise.resolve(),
    groups: { list: () => Promise.resolve([]) },
  };
  const entrance = {
    isRemembered: () => true,
    login: () => Promise.resolve(engine),
    close: () => Promise.resolve(),
  };
  const world = {
    openEntrance: () => Promise.resolve(entrance),
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
  };
  const flags = { user: "ann", utc: true };
  const run = { world, flags, signal: new AbortController().signal } as unknown as Run;
  return { run, out, err };
}

const commands = {
  unread: (run: Run) => unread(run, undefined),
  read: (run: Run) => read(run, { conversation: undefined, count: undefined }),
  history: (run: Run) => history(run, { conversation: undefined, flags: {} }),
};

for (const [name, command] of Object.entries(commands)) {
  Deno.test(`${name} on a new device waits for the history, and never says that there is nothing before it knows`, async () => {
    const { run, out, err } = newDevice([message("of last week")]);
    await command(run);
    assert.deepEqual([out, err], [["2026-11-21 12:00:00 bob: of last week"], []]);

    const none = newDevice([]);
    await command(none.run);
    assert.deepEqual([none.out, none.err], [[], ["No Messages Yet"]]);

    const unknown = newDevice(undefined);
    await command(unknown.run);
    assert.deepEqual([unknown.out, unknown.err], [[], [historyMissing]]);
  });
}

import assert from "node:assert/strict";
import { findGroup, isGroupName } from "../../../client/engine/group_names.ts";
import type { Thread } from "../../../client/store/threads.ts";

function group(title: string, conversation: string, thread = 1): Thread {
  return {
    thread,
    kind: "group",
    twinOf: undefined,
    title,
    partner: undefined,
    conversation,
    version: 0,
    incarnation: 0,
    setBackAt: 0,
    epoch: 0,
    joined: true,
    hasPending: false,
    cursor: 0,
    sentSinceCommit: 0,
    sent: { epoch: 0, generations: 0 },
    committedAt: 0,
    readMark: 0,
    readTold: 0,
    peerDelivered: 0,
    peerDeliveredAt: undefined,
    peerRead: 0,
    peerReadAt: undefined,
    request: false,
  };
}

const first = group("#Team", "aaaa0000-0000-4000-8000-000000000001");
const second = group("#team", "bbbb0000-0000-4000-8000-000000000002");
const left = group("#team", "cccc0000-0000-4000-8000-000000000003", 7);

/** The account has left the group of thread 7. */
const among = (...threads: Thread[]) => ({
  all: () => threads,
  groups: {
    get: (thread: number) => ({
      standing: { kind: thread === 7 ? "leaving" as const : "active" as const },
    }),
  },
});

const named = (name: string) => ({ kind: "group", name }) as const;

Deno.test("a group is found by its name in any spelling of its letters", () => {
  assert.equal(findGroup(among(first), named("tEAM")), first);
  assert.throws(() => findGroup(among(first), named("teams")), { code: "not_found" });
});

Deno.test("of several groups of one name none is taken without being told which", () => {
  assert.throws(() => findGroup(among(first, second), named("team")), /#team~aaaa, #team~bbbb/);
  assert.equal(findGroup(among(first, second), named("team~bb")), second);
});

Deno.test("a group that one is in goes before one that was left, which can still be read", () => {
  assert.equal(findGroup(among(first, left), named("team")), first);
  assert.equal(findGroup(among(left), named("team")), left);
  assert.equal(findGroup(among(first, left), named("team~cccc")), left);
});

Deno.test("group names have no spaces, nothing invisible, and no signs of addresses", () => {
  for (const name of ["team", "Straße", "équipe.2", "🚀", "👩‍🚀", "a".repeat(64)]) {
    assert.ok(isGroupName(name), name);
  }
  const wrong = ["", "a b", "#a", "a#b", "a~b", "@a", "/a", "lobby", "LOBBY", "a".repeat(65)];
  for (const name of [...wrong, "a\u202eb", "a\nb", "a\u0000", "\u200b", "\u200d"]) {
    assert.ok(!isGroupName(name), JSON.stringify(name));
  }
});

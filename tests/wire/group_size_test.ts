/** What a group of the largest size needs on the wire must fit its frames, whatever the names and numbers are. */
import assert from "node:assert/strict";
import { utf8Length } from "../../lib/base/bytes.ts";
import { encodeMembershipChange } from "../../lib/base/membership.ts";
import { frameLimits, mlsLimits } from "../../lib/base/limits.ts";
import type { Message } from "../../lib/wire/messages.ts";

const most = mlsLimits.groupDevices;
const account = "ffffffff-ffff-4fff-bfff-ffffffffffff";
const device = "A".repeat(43);
const large = 2 ** 28;
const time = 8_640_000_000_000_000;
const list = <T>(one: T): T[] => Array<T>(most).fill(one);
const bytes = frameLimits.bodyBytes;
const entry = { account, device };
const parts: [number, number, number] = [bytes, bytes, bytes];
const common = { conversation: account, hash: device, parts, body: bytes };
const standing = { state: "request", by: account } as const;
const member = { account, role: "member" } as const;

const messages: readonly Message[] = [
  { type: "conversation.create", id: large, kind: "group", roster: list(entry), ...common },
  {
    type: "conversation.commit",
    id: large,
    epoch: large,
    external: false,
    add: list(entry),
    remove: list(device),
    ...common,
  },
  {
    type: "conversation.info.ok",
    id: large,
    kind: "group",
    members: list(member),
    epoch: large,
    incarnation: large,
    head: large,
    roster: list(entry),
    removals: list(device),
    leaving: list(account),
    ...standing,
    body: bytes,
  },
  {
    type: "welcome",
    conversation: account,
    seq: large,
    account,
    device,
    ts: time,
    epoch: large,
    incarnation: large,
    kind: "group",
    roster: list(entry),
    members: list(member),
    ...standing,
    body: bytes,
  },
];

for (const message of messages) {
  Deno.test(`for a group of ${most} devices ${message.type} fits the header of a frame`, () => {
    const length = utf8Length(JSON.stringify([message]));
    assert.ok(length <= frameLimits.headerBytes, `${length} bytes`);
  });
}

Deno.test("the largest change of members is a small part of a commit", () => {
  const add = list(member).map((one, at) => ({ ...one, account: numbered(at) }));
  const remove = list("").map((_, at) => numbered(1000 + at));
  const change = encodeMembershipChange({ add, remove, roles: [] });
  assert.ok(change.length < bytes / 16, `${change.length} bytes`);
});

function numbered(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

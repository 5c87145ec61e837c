import assert from "node:assert/strict";
import type { GroupInfo } from "../../../client/engine/api_groups.ts";
import type { Engine } from "../../../client/engine/api.ts";
import { actOnGroup, groupLine } from "../../../client/ui/group_words.ts";

const group: GroupInfo = {
  target: { kind: "group", name: "team", id: "55dc9d0e-0000-4000-8000-000000000000" },
  id: "55dc9d0e-0000-4000-8000-000000000000",
  name: "team",
  named: true,
  role: undefined,
  standing: "active",
  unread: 0,
  members: [{ account: "a", name: "sam", role: "owner", self: true }],
};

Deno.test("a list of groups says in words what one is in each", () => {
  assert.equal(groupLine({ ...group, role: "member" }), "#team  1 member  you are a member");
  assert.equal(groupLine({ ...group, role: "owner" }), "#team  1 member  you are an owner");
  assert.equal(groupLine(group), "#team  1 member  you are in it");
});

Deno.test("who is not in a group any more is told so by leave, and why", async () => {
  let left = 0;
  const leave = async (changes: Partial<GroupInfo>) => {
    const engine = {
      groups: {
        info: () => Promise.resolve({ ...group, ...changes }),
        leave: () => Promise.resolve(void left++),
      },
    } as unknown as Engine;
    return (await actOnGroup(engine, { action: "leave", words: ["team"] })).said;
  };
  const out = (why: string) => [`You are not in it, nothing was changed: #team  ${why}`];
  assert.deepEqual(
    await leave({ standing: "removed", by: "anna" }),
    out("you were removed by anna"),
  );
  assert.deepEqual(await leave({ standing: "dissolved", by: "anna" }), out("dissolved by anna"));
  assert.deepEqual(await leave({ standing: "left" }), out("left"));
  assert.equal(left, 0);
  assert.deepEqual(await leave({}), ["You have left #team."]);
  assert.equal(left, 1);
});

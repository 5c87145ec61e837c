import assert from "node:assert/strict";
import type { GroupInfo } from "../../../client/engine/api_groups.ts";
import { groupLine } from "../../../client/ui/group_words.ts";

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

/** Methods about groups. */
import Type from "typebox";
import { textLimits } from "../../../lib/base/limits.ts";
import type { GroupTarget } from "../../engine/api_groups.ts";
import { groupTarget } from "../../ui/group_words.ts";
import { groupJson } from "../json.ts";
import { list, oneOf } from "../../../lib/base/json_schema.ts";
import { group } from "../schemas/outputs.ts";
import { type Context, method } from "./define.ts";

const name = Type.String({
  minLength: 1,
  maxLength: 128,
  description:
    "a group's name, with or without #; `~` and the first digits of its id where several have that name",
});
const newName = Type.String({ minLength: 1, maxLength: textLimits.groupNameChars });
const users = list(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 200 });

/** A change of a large group is a few megabytes and a second of work, perhaps several times. */
const limitMs = 120_000;

const plain = (names: readonly string[]) => names.map((one) => one.replace(/^@/, ""));

/** Finds the group, changes it after what was asked for it before, and tells what it is then. */
async function change<T>(
  context: Context,
  given: string,
  act: (target: GroupTarget) => Promise<T>,
): Promise<{ done: T; group: ReturnType<typeof groupJson> }> {
  await context.caughtUp();
  return await context.inOrder(`#${given.replace(/^#/, "")}`, async () => {
    const { target } = await context.engine.groups.info(groupTarget(given));
    const done = await act(target);
    return { done, group: groupJson(await context.engine.groups.info(target)) };
  });
}

/** Methods about groups. */
export const groupMethods = {
  "group.list": method({
    about: "Groups that you are or were in, and invitations",
    params: {},
    result: { groups: list(group) },
    example: {},
    run: async (context) => {
      await context.caughtUp();
      return { groups: (await context.engine.groups.list()).map(groupJson) };
    },
  }),
  "group.get": method({
    about: "One group with its members",
    params: { group: name },
    result: { group },
    example: { group: "team" },
    run: async (context, { group: given }) => {
      await context.caughtUp();
      return { group: groupJson(await context.engine.groups.info(groupTarget(given))) };
    },
  }),
  "group.create": method({
    about: "Makes a group with these accounts",
    params: { name: newName, users: list(Type.String({ maxLength: 128 }), { maxItems: 200 }) },
    result: { group },
    example: { name: "team", users: ["sam", "erik"] },
    limitMs,
    run: async (context, { name: given, users: whom }) => {
      await context.caughtUp();
      return await context.inOrder(`#${given.replace(/^#/, "")}`, async () => ({
        group: groupJson(await context.engine.groups.create(given, plain(whom))),
      }));
    },
  }),
  "group.add": method({
    about: "Adds accounts; `names` are those who were not in it",
    params: { group: name, users },
    result: { names: list(Type.String()), group },
    example: { group: "team", users: ["kim"] },
    limitMs,
    run: async (context, { group: given, users: whom }) => {
      const { done: names, group } = await change(
        context,
        given,
        (target) => context.engine.groups.add(target, plain(whom)),
      );
      return { names, group };
    },
  }),
  "group.remove": method({
    about: "Removes accounts; `names` are those who were in it",
    params: { group: name, users },
    result: { names: list(Type.String()), group },
    example: { group: "team", users: ["kim"] },
    limitMs,
    run: async (context, { group: given, users: whom }) => {
      const { done: names, group } = await change(
        context,
        given,
        (target) => context.engine.groups.remove(target, plain(whom)),
      );
      return { names, group };
    },
  }),
  "group.role": method({
    about: "Makes a member an owner, an admin, or an ordinary member",
    params: {
      group: name,
      user: Type.String({ minLength: 1, maxLength: 128 }),
      role: oneOf("owner", "admin", "member"),
    },
    result: { group },
    example: { group: "team", user: "kim", role: "admin" },
    limitMs,
    run: async (context, { group: given, user, role }) => {
      const { groups } = context.engine;
      const act = (target: GroupTarget) => groups.setRole(target, user.replace(/^@/, ""), role);
      return { group: (await change(context, given, act)).group };
    },
  }),
  "group.rename": method({
    about: "Gives a group another name",
    params: { group: name, name: newName },
    result: { group },
    example: { group: "team", name: "crew" },
    limitMs,
    run: async (context, { group: given, name: next }) => {
      const act = (target: GroupTarget) => context.engine.groups.rename(target, next);
      return { group: (await change(context, given, act)).group };
    },
  }),
  "group.leave": method({
    about: "Leaves a group, which stays readable",
    params: { group: name },
    result: { group },
    example: { group: "team" },
    limitMs,
    run: async (context, { group: given }) => {
      const act = (target: GroupTarget) => context.engine.groups.leave(target);
      return { group: (await change(context, given, act)).group };
    },
  }),
  "group.dissolve": method({
    about: "Removes everybody else, and leaves",
    params: { group: name },
    result: { group },
    example: { group: "team" },
    limitMs,
    run: async (context, { group: given }) => {
      const act = (target: GroupTarget) => context.engine.groups.dissolve(target);
      return { group: (await change(context, given, act)).group };
    },
  }),
} as const;

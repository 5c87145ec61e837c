/** What the members of a group tell each other of the group itself: what it is called, and that somebody leaves. */
import { allRoles, type Role, type RoleEntry } from "../../../lib/base/membership.ts";
import { mlsLimits, textLimits } from "../../../lib/base/limits.ts";
import { isGroupName } from "../group_names.ts";
import { countField, listField, malformed, objectField, textField, uuidField } from "./fields.ts";
import type { ContentKind } from "./kind.ts";

/** What a group is called, and who may do what in it. */
export interface GroupBody {
  /** As `isGroupName` wants it. */
  readonly name: string;
  readonly description?: string;
  /** When it was named so, ms since 1970 by the namer's clock: the latest name counts, whoever repeats it. */
  readonly at: number;
  /** The epoch in which these are the roles. */
  readonly epoch: number;
  readonly roles: readonly RoleEntry[];
}

/** Kind `group`: by owners and admins, after the group was made, named, and after each addition. */
export const groupKind: ContentKind<GroupBody> = {
  silent: true,
  encode: (body) => ({ ...groupOf({ ...body }) }),
  decode: groupOf,
};

function groupOf(fields: Readonly<{ [Key in keyof GroupBody]?: unknown }>): GroupBody {
  const { description } = fields;
  const name = textField(fields.name, 4 * textLimits.groupNameChars);
  if (!isGroupName(name)) throw malformed();
  return {
    name,
    ...(description === undefined
      ? {}
      : { description: textField(description, textLimits.groupDescriptionBytes) }),
    at: countField(fields.at),
    epoch: countField(fields.epoch),
    roles: listField(fields.roles, mlsLimits.groupDevices, (entry) => {
      const { account, role } = objectField(entry);
      return { account: uuidField(account), role: roleField(role) };
    }),
  };
}

function roleField(value: unknown): Role {
  const role = allRoles.find((one) => one === value);
  if (role === undefined) throw malformed();
  return role;
}

/** Nothing more than that it was said. */
export type Nothing = Readonly<Record<string, never>>;

/** Kind `group_ask`: a device that has joined by itself asks what the group is called. */
export const groupAskKind: ContentKind<Nothing> = {
  silent: true,
  encode: () => ({}),
  decode: () => ({}),
};

/** Kind `group_leave`: the sender's account leaves, of its own will. */
export const groupLeaveKind: ContentKind<Nothing> = groupAskKind;

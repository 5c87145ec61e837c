/**
 * What a commit changes about the accounts of a group: its text within the commit, and who may change what. Server and
 * members read the same signed bytes (`authenticated_data` of the commit, RFC 9420 section 6.1) and ask the same rules.
 */
import { type Bytes, fromUtf8, utf8 } from "./bytes.ts";
import { isUuid } from "./ids.ts";
import { mlsLimits } from "./limits.ts";

/** What an account may do in a group: `owner` everything, `admin` add and remove members, `member` neither. */
export type Role = "owner" | "admin" | "member";

/** All roles, the most powerful first. */
export const allRoles = ["owner", "admin", "member"] as const satisfies readonly Role[];

/** An account (UUID) and its role. */
export interface RoleEntry {
  readonly account: string;
  readonly role: Role;
}

/** What a commit changes about accounts; each of them stands at most once in all three lists. */
export interface MembershipChange {
  readonly add: readonly RoleEntry[];
  /** Account ids. */
  readonly remove: readonly string[];
  /** New roles of accounts that stay. */
  readonly roles: readonly RoleEntry[];
}

/** The change of a commit that changes devices and keys only. */
export const noChange: MembershipChange = { add: [], remove: [], roles: [] };

/** Bytes of the longest text: three full lists of at most 80 bytes an entry. */
const longestBytes = 3 * 80 * mlsLimits.groupDevices;

/** Whether no account is concerned. */
export function changesNothing({ add, remove, roles }: MembershipChange): boolean {
  return add.length + remove.length + roles.length === 0;
}

/** The bytes of a change, as they stand in the commit: none at all for one that changes nothing. */
export function encodeMembershipChange(change: MembershipChange): Bytes {
  if (changesNothing(change)) return new Uint8Array(0);
  const { add, remove, roles } = change;
  return utf8(
    JSON.stringify({ v: 1, add: add.map(plain), remove: [...remove], roles: roles.map(plain) }),
  );
}

const plain = ({ account, role }: RoleEntry) => ({ account, role });

/**
 * The change that `bytes` say, or undefined when they are not exactly what `encodeMembershipChange` writes: one change
 * has one text. Each list holds at most `mlsLimits.groupDevices` entries. Never throws.
 */
export function decodeMembershipChange(bytes: Uint8Array): MembershipChange | undefined {
  if (bytes.length === 0) return noChange;
  if (bytes.length > longestBytes) return undefined;
  const read = readText(bytes);
  const change = read === undefined ? undefined : changeIn(read.value);
  if (read === undefined || change === undefined || isDoubled(change)) return undefined;
  return read.text === textOf(change) ? change : undefined;
}

const textOf = (change: MembershipChange) => fromUtf8(encodeMembershipChange(change));

function readText(bytes: Uint8Array): { text: string; value: unknown } | undefined {
  try {
    const text = fromUtf8(bytes);
    return { text, value: JSON.parse(text) };
  } catch (thrown) {
    if (thrown instanceof TypeError || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function changeIn(value: unknown): MembershipChange | undefined {
  if (!isObject(value) || value["v"] !== 1) return undefined;
  const { add, remove, roles } = value;
  const fits = isListOf(add, isRoleEntry) && isListOf(remove, isAccount) &&
    isListOf(roles, isRoleEntry);
  return fits ? { add, remove, roles } : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.length <= mlsLimits.groupDevices && value.every(is);
}

function isAccount(value: unknown): value is string {
  return typeof value === "string" && isUuid(value);
}

/** Whether the text names a role. */
export function isRole(value: unknown): value is Role {
  return allRoles.some((role) => role === value);
}

function isRoleEntry(value: unknown): value is RoleEntry {
  return isObject(value) && isAccount(value["account"]) && isRole(value["role"]);
}

function isDoubled({ add, remove, roles }: MembershipChange): boolean {
  const named = [...add.map(accountOf), ...remove, ...roles.map(accountOf)];
  return new Set(named).size < named.length;
}

const accountOf = ({ account }: RoleEntry) => account;

/** The accounts of a group. */
export interface Membership {
  /** Role by account; empty before the first commit. */
  readonly roles: ReadonlyMap<string, Role>;
  /** Accounts that are leaving: everybody's next commit has to remove them. */
  readonly leaving: ReadonlySet<string>;
}

/** Who makes a change of what. */
export interface Proposed extends Membership {
  /** The committing account. */
  readonly actor: string;
}

/**
 * Why a change is refused: `not_listed` names an account that is no member, `already_listed` adds one that is,
 * `leaving_stay` leaves somebody in who is leaving, `too_many` makes the group too large, `not_allowed` is beyond the
 * actor's role, `no_owner` would leave members without an owner, where one stays that could be.
 */
export type MembershipRefusal =
  | "not_listed"
  | "already_listed"
  | "leaving_stay"
  | "too_many"
  | "not_allowed"
  | "no_owner";

/** Undefined when `actor` may make the change. The first commit of a group lists the actor itself, as owner. */
export function refuseMembershipChange(
  change: MembershipChange,
  proposed: Proposed,
): MembershipRefusal | undefined {
  if (isDoubled(change)) return "already_listed";
  if (proposed.roles.size === 0) return refuseFirst(change, proposed.actor);
  const refused = refuseNames(change, proposed) ?? refuseActor(change, proposed);
  if (refused !== undefined) return refused;
  const after = applyMembershipChange(proposed.roles, change);
  if (after.size > mlsLimits.groupDevices) return "too_many";
  const keepsOwner = hasOwner(after) || ownersLeave(proposed);
  return changesNothing(change) || keepsOwner ? undefined : "no_owner";
}

function refuseFirst(change: MembershipChange, actor: string): MembershipRefusal | undefined {
  if (change.remove.length + change.roles.length > 0) return "not_listed";
  if (change.add.length > mlsLimits.groupDevices) return "too_many";
  const own = change.add.find(({ account }) => account === actor);
  return own?.role === "owner" ? undefined : "no_owner";
}

function refuseNames(
  change: MembershipChange,
  { roles, leaving, actor }: Proposed,
): MembershipRefusal | undefined {
  const staying = [...change.remove, ...change.roles.map(accountOf)];
  if (!roles.has(actor) || staying.some((account) => !roles.has(account))) return "not_listed";
  if (change.add.some(({ account }) => roles.has(account))) return "already_listed";
  return [...leaving].every((account) => change.remove.includes(account))
    ? undefined
    : "leaving_stay";
}

/** Nobody removes itself by a commit (RFC 9420 section 12.2); whoever leaves asks the server. */
function refuseActor(
  change: MembershipChange,
  { roles, leaving, actor }: Proposed,
): MembershipRefusal | undefined {
  const own = roles.get(actor);
  const removed = change.remove.filter((account) => !leaving.has(account));
  const demoted = change.roles.some(({ account }) => leaving.has(account));
  if (change.remove.includes(actor) || demoted) return "not_allowed";
  if (own === "owner") return undefined;
  const ordinary = change.roles.length === 0 &&
    change.add.every(({ role }) => role === "member") &&
    removed.every((account) => roles.get(account) === "member");
  const touches = change.add.length + removed.length > 0;
  return ordinary && (own === "admin" || !touches) ? undefined : "not_allowed";
}

/** Whether every owner is leaving: nobody does that alone, but an operator may delete the account of the last one. */
function ownersLeave({ roles, leaving }: Membership): boolean {
  return [...roles].every(([account, role]) => role !== "owner" || leaving.has(account));
}

const hasOwner = (after: ReadonlyMap<string, Role>) => [...after.values()].includes("owner");

/** The roles after a change that is allowed. */
export function applyMembershipChange(
  roles: ReadonlyMap<string, Role>,
  change: MembershipChange,
): Map<string, Role> {
  const after = new Map(roles);
  for (const account of change.remove) after.delete(account);
  for (const { account, role } of [...change.add, ...change.roles]) after.set(account, role);
  return after;
}

/**
 * Writes `groups.json`: what membership changes look like inside commits, and which of them are allowed. `deno run
 * --allow-write=tests/vectors tests/vectors/make_groups.ts` makes it anew; a test sees to it that it is what the code says.
 */
import {
  encodeMembershipChange,
  type MembershipChange,
  noChange,
  refuseMembershipChange,
  type Role,
} from "../../lib/base/membership.ts";

const id = (digit: number) => `${String(digit).repeat(8)}-0000-4000-8000-000000000000`;
const [olga, adam, mia, max, eve] = [id(1), id(2), id(3), id(4), id(5)];
const entry = (account: string, role: Role) => ({ account, role });

/** An owner, an admin, two members. */
const roles = [
  entry(olga, "owner"),
  entry(adam, "admin"),
  entry(mia, "member"),
  entry(max, "member"),
];

function verdict(
  actor: string,
  part: Partial<MembershipChange>,
  leaving: readonly string[] = [],
) {
  const change = { ...noChange, ...part };
  const listed = new Map(roles.map(({ account, role }) => [account, role]));
  const proposed = { roles: listed, leaving: new Set(leaving), actor };
  return { actor, leaving, change, refusal: refuseMembershipChange(change, proposed) ?? null };
}

const changes: readonly MembershipChange[] = [
  noChange,
  { ...noChange, add: [entry(eve, "member")] },
  { ...noChange, remove: [mia, max] },
  { add: [entry(eve, "admin")], remove: [mia], roles: [entry(adam, "owner")] },
];

const valid = `{"v":1,"add":[],"remove":["${mia}"],"roles":[]}`;

/** The content of `groups.json`. */
export const groupVectors = {
  /** The authenticated data of a commit, as text. */
  texts: changes.map((change) => ({
    change,
    text: new TextDecoder().decode(encodeMembershipChange(change)),
  })),
  /** Texts that are no membership change. */
  malformed: [
    `{"v":1,"add":[],"remove":[],"roles":[]}`,
    valid.replace('"v":1', '"v":2'),
    valid.replace(",", ", "),
    `${valid}\n`,
    `{"v":1,"remove":["${mia}"],"add":[],"roles":[]}`,
    `{"v":1,"add":[],"remove":["${mia}","${mia}"],"roles":[]}`,
    `{"v":1,"add":[{"account":"${eve}","role":"king"}],"remove":[],"roles":[]}`,
    `{"v":1,"add":[],"remove":["mia"],"roles":[]}`,
  ],
  /** Who may do what in a group with these roles; `null` where it is allowed. */
  roles,
  verdicts: [
    verdict(olga, { add: [entry(eve, "admin")], remove: [adam], roles: [entry(mia, "owner")] }),
    verdict(olga, { roles: [entry(olga, "admin")] }),
    verdict(olga, { remove: [olga] }),
    verdict(adam, { add: [entry(eve, "member")], remove: [max] }),
    verdict(adam, { add: [entry(eve, "admin")] }),
    verdict(adam, { remove: [olga] }),
    verdict(adam, { roles: [entry(adam, "owner")] }),
    verdict(mia, {}),
    verdict(mia, { remove: [max] }),
    verdict(mia, { remove: [max] }, [max]),
    verdict(mia, {}, [max]),
    verdict(eve, { add: [entry(eve, "member")] }),
    verdict(olga, { add: [entry(mia, "member")] }),
    verdict(olga, { remove: [eve] }),
  ],
};

if (import.meta.main) {
  const text = JSON.stringify(groupVectors, null, 2) + "\n";
  await Deno.writeTextFile(new URL("groups.json", import.meta.url), text);
}

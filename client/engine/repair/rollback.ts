/** Going back behind a commit that others could not apply. */
import { fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { mlsLimits } from "../../../lib/base/limits.ts";
import { verifyCommitRefusal } from "../../../lib/crypto/commit_refusal.ts";
import { VerifyingKey } from "../../../lib/crypto/sign.ts";
import type { MlsGroup } from "../../../lib/mls/mod.ts";
import type { Message } from "../../../lib/wire/messages.ts";
import type { Core, People } from "../core.ts";
import type { Draft } from "../draft.ts";
import type { Groups } from "../groups.ts";

type Rollback = Message<"rollback">;

/**
 * Takes in the row that takes a commit back. Without the word of two members that are in the group the server is not
 * believed; this device then enters the group, whatever it is now, by itself.
 */
export async function takeRollback(
  core: Core,
  groups: Groups,
  { draft, message }: { readonly draft: Draft; readonly message: Rollback },
): Promise<void> {
  const { repair, thread } = draft;
  if (message.incarnation <= (repair.incarnation ?? thread.incarnation)) return;
  const target = await stateAt(core, groups, { draft, epoch: message.epoch });
  repair.incarnation = message.incarnation;
  repair.dispute = "over";
  repair.deadAfter = Math.min(repair.deadAfter ?? message.epoch, message.epoch);
  repair.before = undefined;
  draft.rejoin = target === undefined;
  draft.group = target;
  if (target === undefined) return;
  const wrong = misfit(target, message);
  if (wrong !== undefined) {
    draft.warnings.push(
      `the server has taken back a change of the conversation with ${thread.title}, but ${wrong}; ` +
        "this device joins it again",
    );
    draft.rejoin = true;
    return;
  }
  const own = message.device === core.own.device;
  if (own) repair.replan ??= [];
  draft.warnings.push(told(target, { title: thread.title, message, own, people: core.people }));
}

/** The group in `epoch`: as it is, as it was before a commit of this batch, or as it was kept. */
async function stateAt(
  core: Core,
  groups: Groups,
  { draft, epoch }: { readonly draft: Draft; readonly epoch: number },
): Promise<MlsGroup | undefined> {
  const { repair, group, thread } = draft;
  if (repair.before?.epoch === epoch) return repair.before.group;
  if (group?.epoch === epoch) return group;
  const kept = core.repairs.kept(thread.thread);
  if (kept?.epoch !== epoch) return undefined;
  await groups.known(thread);
  const mls = await core.mls();
  return mls.loadGroup(kept.state, groups.context(thread.thread), kept.parts);
}

/** Why the refusals do not take the commit back. */
function misfit(group: MlsGroup, message: Rollback): string | undefined {
  const { conversation, incarnation, epoch, hash, refusals } = message;
  const members = new Map(
    group.members().map(({ certificate }) => [toBase64url(certificate.deviceKey), certificate]),
  );
  const valid = refusals.filter(({ device, reason, signature }) => {
    const member = members.get(device);
    if (member === undefined || device === message.device) return false;
    const refusal = { conversation, incarnation: incarnation - 1, epoch, hash, reason };
    const key = new VerifyingKey(member.deviceKey);
    return verifyCommitRefusal(key, fromBase64url(signature), refusal);
  }).map(({ device }) => device);
  const accountOf = (device: string) => members.get(device)?.accountId;
  const accounts = new Set([...members.values()].map(({ accountId }) => accountId));
  const needed = accounts.size > 2 ? mlsLimits.refusalsToRollBack : 1;
  const enough = new Set(valid).size >= mlsLimits.refusalsToRollBack &&
    new Set(valid.map(accountOf)).size >= needed;
  return enough ? undefined : "not enough of its members have said that they cannot apply it";
}

function told(
  group: MlsGroup,
  { title, message, own, people }: {
    readonly title: string;
    readonly message: Rollback;
    readonly own: boolean;
    readonly people: Pick<People, "nameOf">;
  },
): string {
  const names = message.refusals.map(({ device }) => {
    const member = group.members().find(({ certificate }) =>
      toBase64url(certificate.deviceKey) === device
    );
    return member === undefined ? "somebody" : people.nameOf(member.certificate);
  });
  const whose = own ? "your change" : "a change";
  return `${whose} of the conversation with ${title} could not be applied by devices of ` +
    `${[...new Set(names)].join(" and ")} and was taken back`;
}

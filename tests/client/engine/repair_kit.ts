/** Devices that break groups, or say that others do: with the keys of real ones, at the level of the wire. */
import { type Bytes, copyBytes, fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { readDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { signCommitRefusal } from "../../../lib/crypto/commit_refusal.ts";
import { signingKeyFromSeed } from "../../../lib/crypto/sign.ts";
import { commitHash, loadGroup } from "../../../lib/mls/mod.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import { sealerOf } from "../../../client/store/seal.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { type Thread, Threads } from "../../../client/store/threads.ts";
import { commitBody } from "../../kit/conversation.ts";
import { WireClient } from "../../kit/wire_client.ts";
import type { DeviceFacts } from "./kit.ts";
import type { Village } from "./village.ts";

/** Where the server is that a device belongs to. */
type Place = Pick<Village, "pinned">;

/** A session of the device beside whatever its engine does. */
export async function wireOf(village: Place, facts: DeviceFacts): Promise<WireClient> {
  const wire = await WireClient.connect(village.pinned, {
    device: signingKeyFromSeed(fromBase64url(facts.deviceSeed)),
    instance: facts.instance,
    receive: false,
  });
  await wire.logInDevice();
  return wire;
}

/** Looks into a device's store. */
export function inStore<T>(facts: DeviceFacts, look: (threads: Threads, thread: Thread) => T): T {
  const database = openDatabase(`${facts.folder}/profile.db`, { migrations: profileMigrations });
  try {
    const threads = new Threads({ database, ...sealerOf(fromBase64url(facts.profileKey)) });
    const thread = threads.all().find(({ conversation }) => conversation !== undefined);
    if (thread === undefined) throw new Error("no conversation");
    return look(threads, thread);
  } finally {
    database.close();
  }
}

/** The device's only conversation, as its store has it. */
export function threadOf(facts: DeviceFacts): Thread {
  return inStore(facts, (_, thread) => thread);
}

/** The device's group, as its store has it. */
export function groupOf(facts: DeviceFacts) {
  const device = signingKeyFromSeed(fromBase64url(facts.deviceSeed));
  const certificate = readDeviceCertificate(fromBase64url(facts.certificate));
  const state = inStore(facts, (threads, { thread }) => threads.state(thread)?.state);
  if (state === undefined) throw new Error("not in the group");
  return loadGroup(state, { identity: { device, certificate }, accept: () => true });
}

/** A commit as those who refuse it name it. */
export interface NamedCommit {
  readonly conversation: string;
  readonly incarnation: number;
  readonly epoch: number;
  readonly hash: string;
}

/** Which of its parts a device spoils. */
export interface Spoiling {
  readonly commit?: boolean;
  readonly groupInfo?: boolean;
}

/** The device commits, but spoils it so that the server cannot see it. */
export async function spoiltCommit(
  village: Place,
  facts: DeviceFacts,
  { commit = true, groupInfo = false }: Spoiling = {},
): Promise<NamedCommit> {
  const { conversation = "", incarnation } = threadOf(facts);
  const built = await groupOf(facts).commit({ now: Date.now() });
  if (built.kind !== "pending") throw new Error(built.detail);
  const bytes = commit ? spoilt(built.bytes) : built.bytes;
  const info = groupInfo ? spoilt(built.groupInfo) : built.groupInfo;
  const { parts, bodies, body } = commitBody({ ...built, bytes, groupInfo: info });
  await using wire = await wireOf(village, facts);
  const { epoch } = built;
  const hash = commitHash(bytes);
  await wire.request({
    type: "conversation.commit",
    conversation,
    incarnation,
    epoch,
    hash,
    external: false,
    add: [],
    remove: [],
    parts,
    body,
  }, bodies);
  return { conversation, incarnation, epoch, hash };
}

/** With its last bit flipped: the end of a tag or signature. */
function spoilt(bytes: Bytes): Bytes {
  const changed = copyBytes(bytes);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

/** The device says that it cannot apply the commit. */
export async function refuse(village: Place, facts: DeviceFacts, commit: NamedCommit) {
  const device = signingKeyFromSeed(fromBase64url(facts.deviceSeed));
  const refusal = { ...commit, reason: "invalid" } as const;
  const signature = toBase64url(signCommitRefusal(device, refusal));
  await using wire = await wireOf(village, facts);
  return (await wire.request({ type: "conversation.refuse", ...refusal, signature })).message;
}

/** The latest commit of the conversation, as the server tells the device. */
export async function latestCommit(village: Place, facts: DeviceFacts): Promise<NamedCommit> {
  const { conversation = "", incarnation } = threadOf(facts);
  await using wire = await wireOf(village, facts);
  await wire.request({ type: "message.fetch", conversation, after: 0, limit: 256 });
  const commit = wire.events.findLast(({ message }) => message.type === "commit");
  if (commit?.message.type !== "commit") throw new Error("no commit waits");
  const { epoch, hash } = commit.message;
  return { conversation, incarnation, epoch, hash };
}

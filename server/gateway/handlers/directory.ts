/** The directory: who is there, their keys with proofs, key packages. */
import { fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { mlsLimits } from "../../../lib/base/limits.ts";
import { directoryOrigin } from "../../../lib/directory/origin.ts";
import { signCheckpoint } from "../../../lib/directory/checkpoint.ts";
import type { Refused } from "../../operations/contract.ts";
import { isKeyPackageOf, type PackageOwner } from "../../requests/clear_header.ts";
import { fitting } from "../fitting.ts";
import { carryOrHandOn } from "../hand_on.ts";
import { claimRemotely } from "../remote_claim.ts";
import type { RequestHandlers } from "../handler_types.ts";
import type { Session } from "../session.ts";
import { type Answer, refused } from "../../requests/answer.ts";

/** Rows of one answer, as many as its schema allows. */
const usersAtOnce = 200;
/** Entries of one answer. */
const entriesAtOnce = 64;

/** Handlers of `directory.*` and `keypackages.*`. */
export const directoryHandlers: RequestHandlers<
  | "directory.users"
  | "directory.keys"
  | "directory.checkpoint"
  | "directory.consistency"
  | "directory.entries"
  | "directory.servers"
  | "keypackages.put"
  | "keypackages.claim"
> = {
  "directory.users": async (session, { message }) => {
    const { scope, after, server } = message;
    if (server !== undefined) {
      const question = { kind: "users", scope, ...(after === undefined ? {} : { after }) } as const;
      const { answer } = await session.services.peers.ask(server, question);
      if (answer.kind !== "users") return refused("server_away");
      return { ok: true, fields: { users: answer.users, more: answer.more } };
    }
    const input = { scope, after, limit: usersAtOnce };
    const found = await session.services.storage.call("directory.users", input);
    const { rows: users, more } = fitting({ rows: found.users, more: found.more });
    return { ok: true, fields: { users, more } };
  },

  "directory.keys": async (session, { message }) => {
    const { name, account, server } = message;
    if ((name === undefined) === (account === undefined)) return refused("malformed");
    if (server !== undefined) return await remoteKeys(session, { server, name, account });
    const found = await session.services.storage.call("directory.keys", { name, account });
    if (!found.ok) return account === undefined ? found : await homeKeys(session, account, found);
    const { ok: _, entry, size, root, ...fields } = found;
    const checkpoint = signed(session, { size, root });
    return { ok: true, fields: { ...fields, entry: toBase64url(entry), checkpoint } };
  },

  "directory.checkpoint": async (session) => {
    const head = await session.services.storage.call("directory.head", {});
    return { ok: true, fields: { checkpoint: signed(session, head) } };
  },

  "directory.consistency": async (session, { message }) => {
    const { from, to, server } = message;
    if (server !== undefined) {
      const { answer } = await session.services.peers.ask(server, {
        kind: "consistency",
        from,
        to,
      });
      if (answer.kind !== "consistency") return refused("server_away");
      return { ok: true, fields: { path: answer.path } };
    }
    const found = await session.services.storage.call("directory.consistency", { from, to });
    return found.ok ? { ok: true, fields: { path: found.path } } : found;
  },

  "directory.entries": async (session, { message }) => {
    const limit = Math.min(message.limit, entriesAtOnce);
    const input = { from: message.from, limit };
    const { entries } = await session.services.storage.call("directory.entries", input);
    return { ok: true, fields: { entries: entries.map(toBase64url) } };
  },

  "directory.servers": async (session) => {
    const servers = await session.services.peers.servers();
    return { ok: true, fields: { servers } };
  },

  "keypackages.put": async (session, { message, body }) => {
    if (message.packages.some(({ length }) => length > mlsLimits.keyPackageBytes)) {
      return refused("too_large");
    }
    const packages = slices(message.packages, body);
    const owner = await ownerOf(session);
    if (!owner.ok) return owner;
    if (!packages?.every((one) => isKeyPackageOf(owner, one))) return refused("malformed");
    const input = { ...session.ready.actor, packages };
    const done = await session.services.storage.call("keypackages.put", input);
    return done.ok ? { ok: true, fields: { keyPackages: done.keyPackages } } : done;
  },

  "keypackages.claim": async (session, { message, body }) => {
    const { server, ...local } = message;
    if (server !== undefined) return await claimRemotely(session, { ...local, server });
    return await carryOrHandOn(session, "keypackages.claim", { message: local, body });
  },
};

/** The keys of an account of a linked server, exactly as that server gives them: clients check them against its log. */
async function remoteKeys(
  session: Session,
  { server, name, account }: {
    readonly server: string;
    readonly name: string | undefined;
    readonly account: string | undefined;
  },
): Promise<Answer<"directory.keys">> {
  const { identity, answer } = await session.services.peers.ask(server, {
    kind: "keys",
    ...(name === undefined ? {} : { name }),
    ...(account === undefined ? {} : { account }),
  });
  if (answer.kind !== "keys") return refused("server_away");
  const { kind: _, ...fields } = answer;
  return { ok: true, fields: { ...fields, identity, server } };
}

/** The keys of an account that is none of this server's own: asked for at its own server, where that is known. */
async function homeKeys(
  session: Session,
  account: string,
  unknown: Refused,
): Promise<Answer<"directory.keys">> {
  const { server } = await session.services.storage.call("directory.home", { account });
  if (server === undefined) return unknown;
  return await remoteKeys(session, { server, name: undefined, account });
}

/** Whose key the account's is, the storage side knows. */
async function ownerOf(session: Session): Promise<Refused | PackageOwner & { readonly ok: true }> {
  const { services, ready: { actor: { account, device } } } = session;
  const keys = await services.storage.call("directory.keys", { name: undefined, account });
  if (!keys.ok) return keys;
  return { ok: true, account, device, accountKey: keys.accountKey, server: services.identityText };
}

function signed(session: Session, head: { readonly size: number; readonly root: string }): string {
  const { identity } = session.services;
  return signCheckpoint(identity, {
    origin: directoryOrigin(identity.publicKey),
    size: head.size,
    root: fromBase64url(head.root),
  });
}

interface DeclaredPackage {
  readonly ref: string;
  readonly lastResort: boolean;
  readonly length: number;
}

/** Each package with its bytes; undefined when one is empty or the lengths are not the body's. */
function slices(declared: readonly DeclaredPackage[], body: Uint8Array) {
  let offset = 0;
  const packages = declared.map(({ ref, lastResort, length }) => {
    offset += length;
    return { ref, lastResort, bytes: body.subarray(offset - length, offset) };
  });
  const whole = offset === body.length && declared.every(({ length }) => length > 0);
  return whole ? packages : undefined;
}

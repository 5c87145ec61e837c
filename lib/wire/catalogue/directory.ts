/** The directory: who is there, their keys with proofs, and their key packages. */
import Type from "typebox";
import { mlsLimits } from "../../base/limits.ts";
import { body, event, reply, request } from "./define.ts";
import {
  binary,
  certificate,
  count,
  hash,
  listOf,
  name,
  nullable,
  publicKey,
  serverName,
  time,
  uuid,
} from "./fields.ts";

/** One account as others see it. */
export const user = Type.Object({
  name,
  account: uuid,
  online: Type.Boolean(),
  /** Virtual addresses of its sessions. */
  addresses: listOf(Type.String({ maxLength: 15 }), 16),
  lastSeen: nullable(time),
}, { additionalProperties: false });

/** A signed checkpoint (C2SP tlog-checkpoint). */
const checkpoint = Type.String({ maxLength: 1024 });

/** The keys of an account, with the proof that they are in the log of its server. */
export const keysFields = {
  account: uuid,
  name,
  accountKey: publicKey,
  certificates: listOf(certificate, 64),
  revocations: listOf(certificate, 64),
  /** The account's entry of the log, exactly as hashed, with its inclusion proof (RFC 9162 section 2.1.3). */
  entry: binary(1024),
  index: count,
  path: listOf(hash, 64),
  checkpoint,
};

/** The linked server that is asked. */
const server = Type.Optional(serverName);

/** Messages of the directory. */
export const directoryMessages = {
  /** In order of canonical name, after `after`. */
  "directory.users": request("directory.users", {
    scope: Type.Union([Type.Literal("online"), Type.Literal("all")]),
    after: Type.Optional(name),
    server,
  }, ["ready"]),
  "directory.users.ok": reply("directory.users", {
    users: listOf(user, 200),
    more: Type.Boolean(),
  }),

  /** By name, or by account id. */
  "directory.keys": request("directory.keys", {
    name: Type.Optional(name),
    account: Type.Optional(uuid),
    server,
  }, ["ready"]),
  "directory.keys.ok": reply("directory.keys", {
    ...keysFields,
    /** Identity key of the linked server whose account it is; absent for this server's own. */
    identity: Type.Optional(publicKey),
    /** What that server is called here. */
    server,
  }),

  "directory.checkpoint": request("directory.checkpoint", {}, ["ready"]),
  "directory.checkpoint.ok": reply("directory.checkpoint", { checkpoint }),
  /** A consistency proof (RFC 9162 section 2.1.4) between two sizes. */
  "directory.consistency": request("directory.consistency", {
    from: count,
    to: count,
    server,
  }, ["ready"]),
  "directory.consistency.ok": reply("directory.consistency", { path: listOf(hash, 128) }),
  /** Entries of the log from index `from` on, exactly as hashed. */
  "directory.entries": request("directory.entries", { from: count, limit: count }, ["ready"]),
  "directory.entries.ok": reply("directory.entries", { entries: listOf(binary(1024), 64) }),

  /** The servers that this one is linked with. */
  "directory.servers": request("directory.servers", {}, ["ready"]),
  "directory.servers.ok": reply("directory.servers", {
    servers: listOf(
      Type.Object({
        name: Type.String({ minLength: 1, maxLength: 64 }),
        identity: publicKey,
        linked: Type.Boolean(),
      }, { additionalProperties: false }),
      256,
    ),
  }),

  /** Body: the packages, one after another, each of the length given. */
  "keypackages.put": request("keypackages.put", {
    packages: listOf(
      Type.Object({ ref: hash64(), lastResort: Type.Boolean(), length: count }, {
        additionalProperties: false,
      }),
      mlsLimits.keyPackages + 1,
    ),
    ...body,
  }, ["ready"]),
  "keypackages.put.ok": reply("keypackages.put", { keyPackages: count }),
  /** One package of every active device of the account that is not in `conversation`, reserved for it. */
  "keypackages.claim": request("keypackages.claim", {
    account: uuid,
    conversation: uuid,
    /** For `conversation.recreate`: also of devices that are in it. */
    anew: Type.Optional(Type.Boolean()),
    server,
  }, ["ready"]),
  "keypackages.claim.ok": reply("keypackages.claim", {
    packages: listOf(
      Type.Object({
        device: publicKey,
        ref: hash64(),
        lastResort: Type.Boolean(),
        length: count,
      }, { additionalProperties: false }),
      16,
    ),
    /** Devices that have none left. */
    missing: listOf(publicKey, 16),
    ...body,
  }),

  /** Changes of presence since the last such event, gathered. */
  presence: event("presence", { changes: listOf(user, 200) }),
};

/** A KeyPackageRef (RFC 9420 section 5.2): as long as the suite's hash, 32 to 64 bytes. */
function hash64() {
  return binary(64);
}

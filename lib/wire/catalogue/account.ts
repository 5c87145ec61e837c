/** Accounts, devices and the vault. */
import Type from "typebox";
import { peerLimits } from "../../base/limits.ts";
import { body, reply, request } from "./define.ts";
import {
  certificate,
  count,
  exactBinary,
  label,
  listOf,
  name,
  nullable,
  opaqueMessage,
  publicKey,
  serverName,
  time,
  uuid,
} from "./fields.ts";

/** Base64url of 16 random bytes, where the server takes new accounts by invitation. */
const inviteToken = Type.Optional(exactBinary(16));

/** What a session tells the server when it becomes ready. */
const arrival = {
  /** Made anew whenever the first process of a profile starts; two live ones of a device mean a copied profile. */
  instance: uuid,
  /** Whether this session wants live events and presence. */
  receive: Type.Boolean(),
};

/** The answer to every way of becoming ready: status, unread messages and notifications in one. */
const welcomeFields = {
  account: uuid,
  name,
  device: publicKey,
  /** The session's virtual address in 10.8.0.0/16. */
  address: Type.String({ maxLength: 15 }),
  unread: count,
  notifications: count,
  /** Single-use key packages of this device left on the server. */
  keyPackages: count,
  /** When the device's last-resort key package was stored; null when there is none. */
  lastResortAt: nullable(time),
  lobbyHead: count,
  now: time,
};

/** Messages of accounts and devices. */
export const accountMessages = {
  "account.check": request("account.check", { name }, ["open", "ready"]),
  "account.check.ok": reply("account.check", { exists: Type.Boolean() }),

  "account.register.start": request("account.register.start", {
    name,
    request: opaqueMessage,
    invite: inviteToken,
  }, ["open"]),
  "account.register.start.ok": reply("account.register.start", { response: opaqueMessage }),
  /** Body: the vault. The certificate names the account, its id and its key. */
  "account.register.finish": request("account.register.finish", {
    name,
    record: opaqueMessage,
    certificate,
    label,
    invite: inviteToken,
    ...arrival,
    ...body,
  }, ["open"]),
  "account.register.finish.ok": reply("account.register.finish", welcomeFields),

  "account.login.start": request("account.login.start", { name, request: opaqueMessage }, ["open"]),
  "account.login.start.ok": reply("account.login.start", { response: opaqueMessage }),
  "account.login.finish": request("account.login.finish", { finish: opaqueMessage }, ["open"]),
  /** Body: the vault. The session may now enrol its device, and nothing else. */
  "account.login.finish.ok": reply("account.login.finish", {
    account: uuid,
    name,
    accountKey: publicKey,
    ...body,
  }),
  "device.enrol": request("device.enrol", { certificate, label, ...arrival }, ["enrolling"]),
  "device.enrol.ok": reply("device.enrol", welcomeFields),

  /** For a known device; its signature on this very frame, bound to both nonces, is the proof. */
  "account.login.device": request("account.login.device", arrival, ["open"]),
  "account.login.device.ok": reply("account.login.device", welcomeFields),

  /** Proves the old password and registers the new one: `request` logs in, `registration` registers. */
  "account.password.start": request("account.password.start", {
    request: opaqueMessage,
    registration: opaqueMessage,
  }, ["ready"]),
  "account.password.start.ok": reply("account.password.start", {
    response: opaqueMessage,
    registration: opaqueMessage,
  }),
  /** Body: the vault, sealed under the new password. */
  "account.password.finish": request("account.password.finish", {
    finish: opaqueMessage,
    record: opaqueMessage,
    ...body,
  }, ["ready"]),
  "account.password.finish.ok": reply("account.password.finish", {}),

  "vault.get": request("vault.get", {}, ["ready"]),
  "vault.get.ok": reply("vault.get", { ...body }),

  "device.list": request("device.list", {}, ["ready"]),
  "device.list.ok": reply("device.list", {
    devices: listOf(
      Type.Object({
        device: publicKey,
        label,
        createdAt: time,
        lastSeen: nullable(time),
        online: Type.Boolean(),
        revoked: Type.Boolean(),
      }),
      64,
    ),
  }),
  "device.rename": request("device.rename", { device: publicKey, label }, ["ready"]),
  "device.rename.ok": reply("device.rename", {}),
  "device.revoke": request("device.revoke", { revocation: certificate }, ["ready"]),
  "device.revoke.ok": reply("device.revoke", {}),

  /** From now on `account` cannot begin a direct conversation with this account nor add it to a group. */
  "account.block": request("account.block", { account: uuid }, ["ready"]),
  "account.block.ok": reply("account.block", {}),
  "account.unblock": request("account.unblock", { account: uuid }, ["ready"]),
  "account.unblock.ok": reply("account.unblock", {}),
  /** The same for everybody of a linked server. */
  "server.block": request("server.block", { server: serverName }, ["ready"]),
  "server.block.ok": reply("server.block", {}),
  "server.unblock": request("server.unblock", { server: serverName }, ["ready"]),
  "server.unblock.ok": reply("server.unblock", {}),
  /** In order of account id. */
  "account.blocks": request("account.blocks", { after: Type.Optional(uuid) }, ["ready"]),
  "account.blocks.ok": reply("account.blocks", {
    blocked: listOf(Type.Object({ account: uuid, name, since: time }), 200),
    /** On the first page. */
    servers: Type.Optional(
      listOf(Type.Object({ server: serverName, since: time }), peerLimits.peers),
    ),
    more: Type.Boolean(),
  }),
};

/** Conversations: their log of commits and messages, cursors, receipts; the lobby; notifications. */
import Type from "typebox";
import { mlsLimits, serverLimits, textLimits } from "../../base/limits.ts";
import { body, event, notice, reply, request } from "./define.ts";
import {
  bodyLength,
  conversationKind,
  count,
  hash,
  label,
  listOf,
  memberRole,
  memberState,
  name,
  nullable,
  publicKey,
  rosterEntry,
  serverName,
  signature,
  time,
  uuid,
} from "./fields.ts";

const roster = listOf(rosterEntry, mlsLimits.groupDevices);

const accounts = listOf(uuid, mlsLimits.groupDevices);
const devices = listOf(publicKey, mlsLimits.groupDevices);

/** Goes up when a commit is taken back or the group is made anew; what was built on an earlier one is of no use. */
const incarnation = { incarnation: Type.Optional(count) };

/**
 * Body of a commit: the commit, the welcome (length 0 when nobody is added), the group info of the new epoch. What was
 * staged under the commit's hash stands in front of it.
 */
const commitParts = { parts: Type.Tuple([bodyLength, bodyLength, bodyLength]), ...body };

/** What is known of every row of a conversation's log. */
const row = { conversation: uuid, seq: count, account: uuid, device: publicKey, ts: time };

/** How the account of this session stands to the conversation, and in a request, who made it. */
const standing = { state: memberState, by: Type.Optional(uuid) };

/** How far a member has got: the last sequence delivered to one of its devices, and the last it marked as read. */
const member = Type.Object({
  account: uuid,
  name,
  role: memberRole,
  delivered: count,
  deliveredAt: nullable(time),
  read: count,
  readAt: nullable(time),
  /** Of a member of another server: everything up to here is on that server's disk. */
  reached: Type.Optional(count),
});

/** Messages of conversations. */
export const conversationMessages = {
  /** A piece of the body of a commit that one frame cannot hold, sent ahead of the commit's own request. */
  "conversation.stage": request("conversation.stage", {
    /** Of the commit whose body it belongs to. */
    hash,
    /** Bytes that were staged under this hash before; 0 begins anew. */
    offset: count,
    ...body,
  }, ["ready"]),
  "conversation.stage.ok": reply("conversation.stage", { staged: count }),

  /** Creates the conversation and its first epoch at once; the commit leads from epoch 0 to 1. */
  "conversation.create": request("conversation.create", {
    conversation: uuid,
    kind: conversationKind,
    /** Direct conversations: the other account; one's own for notes to oneself. */
    with: Type.Optional(uuid),
    hash,
    roster,
    ...commitParts,
  }, ["ready"]),
  "conversation.create.ok": reply("conversation.create", { seq: count, epoch: count, ts: time }),

  "conversation.list": request("conversation.list", { after: Type.Optional(uuid) }, ["ready"]),
  "conversation.list.ok": reply("conversation.list", {
    conversations: listOf(
      Type.Object({
        conversation: uuid,
        kind: conversationKind,
        /** The linked server whose conversation it is; absent for this server's own. */
        hub: Type.Optional(serverName),
        /** The link to that server does not stand just now. */
        hubAway: Type.Optional(Type.Literal(true)),
        members: listOf(member, mlsLimits.groupDevices),
        epoch: count,
        ...incarnation,
        head: count,
        /** This device's cursor; null while it is not in the conversation. */
        cursor: nullable(count),
        /** Everything up to here this device said it has stored. */
        acked: Type.Optional(count),
        /** How far this device's sending keys are used, as far as it said. */
        used: Type.Optional(Type.Object({ epoch: count, generations: count })),
        /** Rows up to here were given up before this device had them. */
        lost: Type.Optional(count),
        unread: count,
        ...standing,
        /** Devices whose removal is queued: the next commit must remove them. */
        removals: devices,
        /** Accounts that leave: the next commit must remove them. */
        leaving: accounts,
      }),
      50,
    ),
    more: Type.Boolean(),
  }),

  /** Leads from `epoch` to `epoch + 1`; refused with `epoch_conflict` when `epoch` is not current. */
  "conversation.commit": request("conversation.commit", {
    conversation: uuid,
    ...incarnation,
    epoch: count,
    /** SHA-256 of the commit: the same commit again gets the same answer. */
    hash,
    /** By a device that joins by itself (RFC 9420 section 12.4.3.2). */
    external: Type.Boolean(),
    add: roster,
    remove: devices,
    ...commitParts,
  }, ["ready"]),
  "conversation.commit.ok": reply("conversation.commit", { seq: count, epoch: count, ts: time }),

  /** For devices of listed members: the group info (body) of the current epoch, and the server's roster. */
  "conversation.info": request("conversation.info", { conversation: uuid }, ["ready"]),
  "conversation.info.ok": reply("conversation.info", {
    kind: conversationKind,
    members: listOf(
      Type.Object({ account: uuid, role: memberRole }, { additionalProperties: false }),
      mlsLimits.groupDevices,
    ),
    ...incarnation,
    epoch: count,
    head: count,
    after: Type.Optional(count),
    roster,
    removals: devices,
    leaving: accounts,
    ...standing,
    ...body,
  }),

  /** The account leaves a group: nothing more is delivered to it but the commit that removes it. */
  "conversation.leave": request("conversation.leave", { conversation: uuid }, ["ready"]),
  "conversation.leave.ok": reply("conversation.leave", {
    /** Nobody was left; the conversation is deleted. */
    deleted: Type.Boolean(),
  }),
  /** To a request. Declining a group is leaving it; a declined direct conversation can be accepted later. */
  "conversation.answer": request("conversation.answer", {
    conversation: uuid,
    answer: Type.Union([Type.Literal("accept"), Type.Literal("decline")]),
  }, ["ready"]),
  "conversation.answer.ok": reply("conversation.answer", {}),

  /** Body: one MLS PrivateMessage. `id` pairs the reply, `message` makes a repeat harmless. */
  "message.send": request("message.send", {
    conversation: uuid,
    message: uuid,
    ...incarnation,
    epoch: count,
    /** Which of the device's sending keys of the epoch (RFC 9420 section 9.1). */
    generation: Type.Optional(count),
    /** Not counted as unread, and no notification: it makes no line. */
    quiet: Type.Optional(Type.Boolean()),
    /** The server forgets what it says after so many days. */
    keepDays: Type.Optional(Type.Integer({ minimum: 1, maximum: serverLimits.keepDaysMax })),
    ...body,
  }, ["ready"]),
  "message.send.ok": reply("message.send", { seq: count, ts: time }),

  /** The next rows after this device's cursor come as events in front of the reply. */
  "message.fetch": request("message.fetch", {
    conversation: uuid,
    after: count,
    limit: Type.Integer({ minimum: 1, maximum: 256 }),
  }, ["ready"]),
  "message.fetch.ok": reply("message.fetch", { events: count, more: Type.Boolean() }),

  /** This device has safely stored everything up to `seq`; the server may forget it. */
  "message.ack": notice("message.ack", {
    acks: listOf(
      Type.Object({ conversation: uuid, seq: count }, { additionalProperties: false }),
      256,
    ),
  }, ["ready"]),

  /** The account has read everything up to `seq`. */
  "message.read": request("message.read", { conversation: uuid, seq: count }, ["ready"]),
  "message.read.ok": reply("message.read", { unread: count }),

  /** Body: the MLS PrivateMessage; nothing, when its `keepDays` are over. */
  message: event("message", { ...row, message: uuid, epoch: count, ...body }),
  /** Body: the MLS commit (PublicMessage), leading from `epoch` to `epoch + 1`. */
  commit: event("commit", {
    ...row,
    epoch: count,
    hash,
    external: Type.Boolean(),
    add: roster,
    remove: devices,
    ...body,
  }),
  /** The same row as seen by a device that the commit adds. Body: the MLS Welcome. `epoch` is the one joined. */
  welcome: event("welcome", {
    ...row,
    ...incarnation,
    epoch: count,
    kind: conversationKind,
    roster,
    /** The accounts after the commit. */
    members: listOf(
      Type.Object({ account: uuid, role: memberRole }),
      mlsLimits.groupDevices,
    ),
    ...standing,
    ...body,
  }),
  /** Removals were queued: somebody should commit. Not stored; `conversation.list` says the same. */
  "conversation.removals": event("conversation.removals", {
    conversation: uuid,
    removals: devices,
    leaving: accounts,
  }),
  /** Another device of the account has answered, left or was first to see a change of `state`. Not stored. */
  "conversation.state": event("conversation.state", {
    conversation: uuid,
    state: memberState,
  }),
  /** A member got or read everything up to a sequence. */
  receipt: event("receipt", {
    conversation: uuid,
    account: uuid,
    delivered: count,
    read: count,
    at: time,
    /** Of a member of another server: everything up to here is on that server's disk. */
    reached: Type.Optional(count),
  }),
};

/** One post of the lobby; `signature` is the device's, over id, time and text (label "lobby"). */
const post = {
  seq: count,
  post: uuid,
  account: uuid,
  name,
  device: publicKey,
  text: Type.String({ maxLength: textLimits.lobbyTextBytes }),
  sentAt: time,
  ts: time,
  signature,
};

/** Messages of the lobby. */
export const lobbyMessages = {
  "lobby.post": request("lobby.post", {
    post: uuid,
    text: Type.String({ minLength: 1, maxLength: textLimits.lobbyTextBytes }),
    sentAt: time,
    signature,
  }, ["ready"]),
  "lobby.post.ok": reply("lobby.post", { seq: count, ts: time }),
  /** The next posts after `after` come as `lobby` events in front of the reply. */
  "lobby.fetch": request("lobby.fetch", {
    after: count,
    limit: Type.Integer({ minimum: 1, maximum: 64 }),
  }, ["ready"]),
  "lobby.fetch.ok": reply("lobby.fetch", { head: count, more: Type.Boolean() }),
  lobby: event("lobby", post),
};

const notificationFields = {
  /** Ascending within an account. */
  notification: count,
  kind: Type.Union([
    Type.Literal("message"),
    Type.Literal("request"),
    Type.Literal("group_added"),
    Type.Literal("group_removed"),
    Type.Literal("group_role"),
    Type.Literal("device_added"),
    Type.Literal("device_removed"),
    Type.Literal("key_changed"),
    Type.Literal("login_failures"),
  ]),
  ts: time,
  seen: Type.Boolean(),
  /** For `message`: the conversation, the sender's name and how many; for requests and groups, who did it. */
  conversation: Type.Optional(uuid),
  from: Type.Optional(name),
  count: Type.Optional(count),
  /** For `group_role`: the account's new one. */
  role: Type.Optional(memberRole),
  /** For the device kinds. */
  device: Type.Optional(publicKey),
  label: Type.Optional(label),
};

/** Messages of notifications. */
export const notificationMessages = {
  "notification.list": request("notification.list", {
    unseen: Type.Boolean(),
    after: Type.Optional(count),
  }, ["ready"]),
  "notification.list.ok": reply("notification.list", {
    notifications: listOf(Type.Object(notificationFields), 100),
    more: Type.Boolean(),
  }),
  /** Everything up to `through` is seen. */
  "notification.seen": request("notification.seen", { through: count }, ["ready"]),
  "notification.seen.ok": reply("notification.seen", {}),
  notification: event("notification", notificationFields),
};

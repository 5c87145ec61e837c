/** What the schemas cannot say: a sentence for each message, and the refusals that belong to it. */
import type { ErrorCode } from "../lib/base/errors.ts";
import type { MessageType } from "../lib/wire/messages.ts";
import { fileNotes } from "./protocol_notes_files.ts";
import { repairNotes } from "./protocol_notes_repair.ts";

/** What the document says of one message. */
export interface MessageNote {
  readonly text: string;
  /** Refusals that this request can get, beside those that the document names for all. */
  readonly errors?: readonly ErrorCode[];
}

const arriving: readonly ErrorCode[] = [
  "already_logged_in",
  "account_deleted",
  "account_disabled",
  "device_revoked",
  "too_many_connections",
];

/** Every message of the catalogue; a missing one does not compile. */
export const messageNotes: Record<MessageType, MessageNote> = {
  ...fileNotes,
  "hello.server": { text: "The server's first frame, alone in it, signed by its identity key." },
  "hello.client": { text: "The client's answer, alone in its frame, signed by its device key." },
  error: {
    text:
      "A request was refused (with `id`), or the connection is at its end (without; nothing follows).",
  },
  ping: { text: "Asks for a sign of life." },
  pong: { text: "Answers a `ping`; several in one frame may share one answer." },
  "session.close": { text: "Ends the session in order." },
  "session.close.ok": { text: "The last message of the session; the server then closes." },
  "session.replaced": {
    text: "Another instance of this device has become ready, after this session did not answer.",
  },
  "server.closing": { text: "The server stops. Come back after `retryAfterMs`." },
  "server.link": {
    text:
      "The link with another server has come, or has ended; only the last of several changes is told. What was refused with " +
      "`server_away` or `hub_away` can be tried again once it stands.",
  },
  "session.receive": {
    text: "Turns live events (conversations, lobby, receipts, presence, notifications) on or off.",
  },

  "account.check": { text: "Is there an account of this name?", errors: ["invalid_name"] },
  "account.check.ok": { text: "Whether there is." },
  "account.register.start": {
    text: "The first OPAQUE message of a registration.",
    errors: [
      "invalid_name",
      "name_taken",
      "registration_closed",
      "invite_required",
      "invite_invalid",
      "rate_limited",
    ],
  },
  "account.register.start.ok": { text: "The server's OPAQUE registration response." },
  "account.register.finish": {
    text: "Creates the account with its first device. Body: the vault. The session becomes ready.",
    errors: [
      "invalid_name",
      "name_taken",
      "registration_closed",
      "invite_required",
      "invite_invalid",
      "invalid_certificate",
      "too_many_connections",
      "rate_limited",
      "too_large",
    ],
  },
  "account.register.finish.ok": { text: "The account exists and the session is ready." },
  "account.login.start": {
    text: "The first OPAQUE message of a login. An unknown name is answered like a known one.",
    errors: ["invalid_name", "too_many_attempts"],
  },
  "account.login.start.ok": { text: "The server's OPAQUE answer." },
  "account.login.finish": {
    text: "The proof that the client knows the password. The session becomes `enrolling`.",
    errors: ["invalid_credentials", "not_permitted_now", "account_deleted", "account_disabled"],
  },
  "account.login.finish.ok": { text: "The password is right. Body: the vault." },
  "device.enrol": {
    text: "Adds the device of this session to the account. The session becomes ready.",
    errors: [
      "invalid_certificate",
      "too_many_devices",
      "rate_limited",
      "invalid_credentials",
      ...arriving,
    ],
  },
  "device.enrol.ok": { text: "The device is known from now on and the session is ready." },
  "account.login.device": {
    text: "Logs in a device that the server knows; the signature of this frame is the proof.",
    errors: ["unknown_device", ...arriving],
  },
  "account.login.device.ok": { text: "The session is ready." },
  "account.password.start": {
    text:
      "Begins a change of password: a login with the old one and a registration of the new one.",
  },
  "account.password.start.ok": { text: "The server's answers to both." },
  "account.password.finish": {
    text: "The proof of the old password and the record of the new one. Body: the vault, resealed.",
    errors: ["invalid_credentials", "not_permitted_now", "too_large"],
  },
  "account.password.finish.ok": { text: "The new password holds, and the old one no longer." },
  "vault.get": { text: "Fetches the account's vault." },
  "vault.get.ok": { text: "Body: the vault." },
  "device.list": { text: "The devices of one's own account." },
  "device.list.ok": { text: "All of them, revoked ones included." },
  "device.rename": {
    text: "Gives a device of one's own account another label.",
    errors: ["unknown_device"],
  },
  "device.rename.ok": { text: "It has." },
  "device.revoke": {
    text:
      "Removes a device of one's own account for good. Its sessions end, and every conversation " +
      "that it is in queues its removal.",
    errors: ["invalid_certificate", "unknown_device"],
  },
  "device.revoke.ok": { text: "It is removed." },

  "account.block": {
    text:
      "From now on that account cannot begin a direct conversation with this one nor add it to a " +
      "group (`not_accepted`), and what it sends in an existing direct conversation is kept from " +
      "this account. It is not told. Messages in groups that both are in are hidden by the client.",
    errors: ["no_such_user", "quota_exceeded"],
  },
  "account.block.ok": { text: "It is blocked." },
  "account.unblock": { text: "Ends that; nothing of what was kept away comes afterwards." },
  "account.unblock.ok": { text: "It is not blocked." },
  "server.block": {
    text:
      "The same for everybody of a linked server, whether they are known here or not: as if each were blocked.",
    errors: ["no_such_server"],
  },
  "server.block.ok": { text: "They are blocked." },
  "server.unblock": {
    text: "Ends that. Accounts of that server that are blocked by themselves stay so.",
    errors: ["no_such_server"],
  },
  "server.unblock.ok": { text: "They are not blocked." },
  "account.blocks": {
    text:
      "The accounts that this one has blocked, in order of id, and on the first page the linked servers.",
  },
  "account.blocks.ok": { text: "One page of them." },

  "directory.users": { text: "Accounts in order of canonical name." },
  "directory.users.ok": { text: "One page of them." },
  "directory.keys": {
    text:
      "An account's keys with their proof. Exactly one of `name` and `account` is given. Of an account of a linked server " +
      "that this one knows by its id the answer comes from there, with `server`.",
    errors: ["no_such_user", "malformed", "no_such_server", "server_blocked", "server_away"],
  },
  "directory.keys.ok": { text: 'Verify everything in it before use; see "Directory".' },
  "directory.checkpoint": { text: "The log's present checkpoint." },
  "directory.checkpoint.ok": { text: "The signed note." },
  "directory.consistency": {
    text: "A proof that the tree of size `to` continues that of size `from`.",
    errors: ["not_found"],
  },
  "directory.consistency.ok": { text: "The proof, lowest hash first." },
  "directory.entries": { text: "Entries of the log, exactly as hashed." },
  "directory.entries.ok": { text: "At most 64 of them; fewer at the end." },
  "directory.servers": { text: "The servers with which this one is linked." },
  "directory.servers.ok": { text: "All that this server has met, in order of their names here." },
  "keypackages.put": {
    text: "Stores key packages of this device. Body: the packages, one after another.",
    errors: ["malformed", "quota_exceeded", "too_large"],
  },
  "keypackages.put.ok": { text: "How many single-use ones there are now." },
  "keypackages.claim": {
    text:
      "One key package of every active device of the account that is not in the conversation. " +
      "A claim is repeatable: the same conversation gets the same package for a day. " +
      "For an account of a linked server it goes to that server; what this server learns by it of the account and its devices " +
      "lets it take them in requests that follow.",
    errors: [
      "no_such_user",
      "not_accepted",
      "rate_limited",
      "no_such_server",
      "server_blocked",
      "server_away",
      "invalid_certificate",
    ],
  },
  "keypackages.claim.ok": { text: "Body: the packages, one after another." },
  presence: { text: "What has changed in who is online since the last such event." },

  "conversation.stage": {
    text:
      "Sends a piece of a commit's body ahead, for commits whose body is larger than a frame's. The " +
      "pieces stay for half a minute, or until the `conversation.create` or `conversation.commit` " +
      "with that hash comes; its body then is what was staged followed by its own.",
    errors: ["malformed", "too_large"],
  },
  "conversation.stage.ok": { text: "How many bytes are staged under the hash now." },
  "conversation.create": {
    text: "Creates a conversation and its first epoch. Body: the commit that leads from epoch " +
      "0 (the creator alone) to 1, the welcome, the group info of epoch 1. A direct one has `with`; " +
      "a group has not, and its commit carries a membership change.",
    errors: [
      "conversation_exists",
      "no_such_user",
      "roster_mismatch",
      "not_accepted",
      "server_blocked",
      "not_allowed",
      "group_full",
      "too_many_groups",
      "rate_limited",
      "quota_exceeded",
      "malformed",
    ],
  },
  "conversation.create.ok": { text: "It exists; the commit is row `seq`." },
  "conversation.list": { text: "The conversations of one's own account, in order of id." },
  "conversation.list.ok": { text: "One page of them." },
  "conversation.commit": {
    text: "Leads the conversation from `epoch` to the next. Body: commit, welcome, group info.",
    errors: [
      "no_such_conversation",
      "epoch_conflict",
      "commit_refused",
      "not_a_member",
      "removals_pending",
      "roster_mismatch",
      "not_allowed",
      "not_accepted",
      "no_such_user",
      "group_full",
      "rate_limited",
      "quota_exceeded",
      "malformed",
    ],
  },
  "conversation.commit.ok": { text: "Accepted as row `seq`; `epoch` is the new one." },
  "conversation.info": {
    text: "What a device needs that joins by itself.",
    errors: ["no_such_conversation"],
  },
  "conversation.info.ok": { text: "Body: the group info of the present epoch." },
  "conversation.leave": {
    text:
      "The own account leaves a group: its devices can send no more and get no more but the commit " +
      "that removes them, which every commit from now on has to do. The last one deletes the group.",
    errors: ["no_such_conversation", "not_allowed", "last_owner"],
  },
  "conversation.leave.ok": { text: "The removal is queued, or the conversation deleted." },
  "conversation.answer": {
    text:
      "Answers a request. Declining a group is leaving it. Of a declined direct conversation nothing " +
      "is delivered any more, and nobody is told; it can still be accepted later.",
    errors: ["no_such_conversation", "not_allowed"],
  },
  "conversation.answer.ok": { text: "Noted; the account's other devices are told." },
  "message.send": {
    text:
      "Appends a message. Body: one MLS PrivateMessage. The same `message` again gets the same reply.",
    errors: [
      "no_such_conversation",
      "not_a_member",
      "epoch_conflict",
      "epoch_too_old",
      "consent_pending",
      "quota_exceeded",
      "server_blocked",
      "malformed",
    ],
  },
  "message.send.ok": { text: "On disk as row `seq`." },
  "message.fetch": {
    text:
      "A page of the log after `after` and this device's cursor, as events in front of the reply.",
    errors: ["no_such_conversation", "not_a_member"],
  },
  "message.fetch.ok": { text: "How many events came, and whether there are more." },
  "message.ack": { text: "This device has durably stored everything up to `seq`." },
  "message.read": {
    text: "The account has read everything up to `seq`.",
    errors: ["no_such_conversation"],
  },
  "message.read.ok": { text: "Messages of others after that." },
  message: {
    text:
      "A row of a log. Body: the MLS PrivateMessage; empty when its time was over before this device fetched it.",
  },
  commit: { text: "A row of a log. Body: the MLS commit (PublicMessage) that ends `epoch`." },
  welcome: {
    text:
      "The row of the commit that added this device. Body: the MLS Welcome. `epoch` is the one joined.",
  },
  "conversation.removals": {
    text:
      "Devices or accounts are to be removed by the next commit, whoever makes it. Comes once to " +
      "everybody online; `conversation.list` says the same.",
  },
  "conversation.state": {
    text: "How the own account stands to the conversation has changed, by another of its devices.",
  },
  receipt: {
    text:
      "A member of a conversation got or read everything up to a row. In groups it comes to the own " +
      "account's devices and to those who sent one of these rows.",
  },

  ...repairNotes,

  "lobby.post": {
    text: "Posts to the lobby. The same `post` again gets the same reply.",
    errors: ["tampered", "too_large", "rate_limited"],
  },
  "lobby.post.ok": { text: "On disk as number `seq`." },
  "lobby.fetch": { text: "The posts after `after`, as `lobby` events in front of the reply." },
  "lobby.fetch.ok": { text: "The newest number, and whether there are more." },
  lobby: { text: "A post. Verify its signature and the device's certificate before showing it." },

  "archive.head": { text: "What is the last batch of one's own archive?" },
  "archive.head.ok": { text: "It, and how large the archive is; position 0 while it is empty." },
  "archive.fetch": { text: "Batches of one's own archive, by their positions." },
  "archive.fetch.ok": {
    text:
      "Those of them that there are, as many as fit, in the order asked for; at least one, if " +
      "there is one. Body: the batches, one after another.",
  },
  "archive.append": {
    text: "Writes batches, all or none: the next revision of ones that are there, or revision 1 " +
      "behind the last. Positions ascend, and the last one is the end of the archive after it.",
    errors: ["archive_conflict", "quota_exceeded", "rate_limited", "malformed"],
  },
  "archive.append.ok": { text: "They are on disk; the end of the archive now." },
  archive: { text: "Another device of the account has written to the archive; its end now." },

  "notification.list": { text: "One's own notifications, oldest first." },
  "notification.list.ok": { text: "One page of them." },
  "notification.seen": { text: "Everything up to `through` has been seen." },
  "notification.seen.ok": { text: "Noted." },
  notification: { text: "A new notification, or one that has grown." },

  "peer.link": {
    text:
      "The first message of either side, the dialling one first. `stream` is the id of the sender's outbox for the " +
      "receiver, `first` the counter of the oldest item that waits in it, or of the next one; `received` is what the " +
      "sender has on disk of the receiver's outbox.",
  },
  "peer.item": {
    text: "An item of the sender's outbox. Counters follow each other without a gap.",
  },
  "peer.ack": { text: "Everything up to `counter` is on disk: the other side may forget it." },
  "peer.ask": {
    text:
      "A question about the receiver's own accounts, as one of the sender's clients asked it, or with `kind` `request` a " +
      "request of one of the sender's clients that the receiver is to carry out. It is not kept. Body: that of the request.",
  },
  "peer.answer": { text: "The answer, of the same `kind`. Body: that of the reply." },
  "peer.refusal": {
    text:
      "Why there is none: the codes and facts are those of the clients' request, or `rate_limited`.",
  },
  "peer.close": { text: "The link ends, and why. Nothing follows." },
};

/** Every operation by its name. */
import { adminDisable, adminUsers, inviteAdd, inviteList, inviteRemove } from "./admin.ts";
import { archiveHead, archiveRead, archiveWrite } from "./archive.ts";
import { accountExists, accountRegister, accountRegistrable } from "./accounts.ts";
import {
  accountBlock,
  accountBlocks,
  accountUnblock,
  serverBlock,
  serverUnblock,
} from "./blocking.ts";
import { conversationCommit, conversationCreate } from "./commits.ts";
import type { Context, Handler } from "./context.ts";
import type { Input, OperationName, Result } from "./contract.ts";
import { conversationInfo, conversationList } from "./conversations.ts";
import { adminDelete } from "./deletion.ts";
import { deviceEnrol, deviceList, deviceRename, deviceRevoke } from "./devices.ts";
import {
  directoryConsistency,
  directoryEntries,
  directoryHead,
  directoryHome,
  directoryKeys,
  directoryUsers,
} from "./directory.ts";
import {
  fileAbandon,
  fileAsk,
  fileBegin,
  fileDelete,
  fileDone,
  fileFinish,
  fileLimitsOf,
  fileLocate,
  fileProgress,
} from "./files.ts";
import { claimAsk, claimLearn, peerParty, peerStrangers } from "./handed.ts";
import { keyPackagesClaim, keyPackagesPut } from "./key_packages.ts";
import { conversationAnswer, conversationLeave } from "./leaving.ts";
import { lobbyPost, lobbyRead } from "./lobby.ts";
import {
  loginDevice,
  loginFailed,
  loginStart,
  loginSucceeded,
  passwordChange,
  passwordRecord,
  vaultGet,
} from "./login.ts";
import { logPending, logRead, messageAck, messageRead, messageSend } from "./messages.ts";
import { notificationList, notificationSeen } from "./notifications.ts";
import { conversationRecreate } from "./recreate.ts";
import { conversationRefuse } from "./refuse.ts";
import {
  peerAcked,
  peerAdd,
  peerBlock,
  peerLinked,
  peerList,
  peerOutgoing,
  peerPosition,
  peerReceive,
  peerRemove,
  peerThrough,
  peerUnblock,
  peerUpdate,
} from "./peers.ts";
import { retentionRun } from "./retention.ts";
import { sessionClose, sessionProbe, sessionProbed, sessionReceive } from "./sessions.ts";

const handlers: { readonly [N in OperationName]: Handler<N> } = {
  "admin.users": adminUsers,
  "admin.disable": adminDisable,
  "admin.delete": adminDelete,
  "invite.add": inviteAdd,
  "invite.list": inviteList,
  "invite.remove": inviteRemove,
  "account.exists": accountExists,
  "account.registrable": accountRegistrable,
  "account.register": accountRegister,
  "login.start": loginStart,
  "login.failed": loginFailed,
  "login.succeeded": loginSucceeded,
  "login.device": loginDevice,
  "device.enrol": deviceEnrol,
  "device.list": deviceList,
  "device.rename": deviceRename,
  "device.revoke": deviceRevoke,
  "session.close": sessionClose,
  "session.receive": sessionReceive,
  "session.probe": sessionProbe,
  "session.probed": sessionProbed,
  "password.record": passwordRecord,
  "password.change": passwordChange,
  "vault.get": vaultGet,
  "directory.users": directoryUsers,
  "directory.keys": directoryKeys,
  "directory.home": directoryHome,
  "directory.head": directoryHead,
  "directory.consistency": directoryConsistency,
  "directory.entries": directoryEntries,
  "keypackages.put": keyPackagesPut,
  "keypackages.claim": keyPackagesClaim,
  "conversation.create": conversationCreate,
  "conversation.commit": conversationCommit,
  "conversation.list": conversationList,
  "conversation.info": conversationInfo,
  "conversation.leave": conversationLeave,
  "conversation.answer": conversationAnswer,
  "account.block": accountBlock,
  "account.unblock": accountUnblock,
  "account.blocks": accountBlocks,
  "server.block": serverBlock,
  "server.unblock": serverUnblock,
  "conversation.refuse": conversationRefuse,
  "conversation.recreate": conversationRecreate,
  "message.send": messageSend,
  "message.ack": messageAck,
  "message.read": messageRead,
  "log.read": logRead,
  "log.pending": logPending,
  "archive.head": archiveHead,
  "archive.read": archiveRead,
  "archive.write": archiveWrite,
  "lobby.post": lobbyPost,
  "lobby.read": lobbyRead,
  "notification.list": notificationList,
  "notification.seen": notificationSeen,
  "file.limits": fileLimitsOf,
  "file.begin": fileBegin,
  "file.progress": fileProgress,
  "file.finish": fileFinish,
  "file.ask": fileAsk,
  "file.locate": fileLocate,
  "file.done": fileDone,
  "file.delete": fileDelete,
  "file.abandon": fileAbandon,
  "peer.add": peerAdd,
  "peer.list": peerList,
  "peer.update": peerUpdate,
  "peer.block": peerBlock,
  "peer.unblock": peerUnblock,
  "peer.remove": peerRemove,
  "peer.through": peerThrough,
  "peer.position": peerPosition,
  "peer.linked": peerLinked,
  "peer.outgoing": peerOutgoing,
  "peer.acked": peerAcked,
  "peer.receive": peerReceive,
  "peer.party": peerParty,
  "peer.strangers": peerStrangers,
  "claim.ask": claimAsk,
  "claim.learn": claimLearn,
  "retention.run": retentionRun,
};

/** Runs one operation in the transaction that the tables of `context` have open. */
export function perform<N extends OperationName>(
  context: Context,
  name: N,
  input: Input<N>,
): Result<N> {
  const handler: Handler<N> = handlers[name];
  return handler(context, input);
}

/**
 * Messaging Layer Security (RFC 9420) as this product uses it: the only room that knows the MLS library. Everything goes
 * in and out as plain bytes and plain values. Loading it costs tens of milliseconds, so users import it dynamically,
 * when they first need it; the server uses `peek.ts` alone.
 */
export type { AcceptMember, MlsContext, MlsIdentity } from "./credential.ts";
export {
  createKeyPackage,
  type NewKeyPackage,
  type ReadKeyPackage,
  readKeyPackage,
} from "./key_package.ts";
export {
  type CommitChange,
  createGroup,
  type EncryptedMessage,
  type GroupParts,
  type GroupState,
  loadGroup,
  type MlsGroup,
  type PendingCommit,
  type Processed,
  type ReceivedCommit,
  type ReceivedMessage,
  type StoredParts,
} from "./group.ts";
export { type Joined, joinExternally, joinFromWelcome, type PrivateStates } from "./join.ts";
export { paddedLength } from "./padding.ts";
export type { Member } from "./receive.ts";
export type { RefusalReason, Refused } from "./refusal.ts";
export { commitHash, peekCommit } from "./peek.ts";

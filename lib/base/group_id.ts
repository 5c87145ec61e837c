/** The MLS group id of a conversation: its UUID; for a group made anew, followed by a number that no other group of it has. */
import { type Bytes, concat, equalBytes, u32be } from "./bytes.ts";
import { uuidBytes } from "./ids.ts";

/** Bytes of the id of a first group, and of one made anew. */
const firstBytes = 16;
const laterBytes = 20;

/**
 * `16 conversation id`, or `16 conversation id | u32be incarnation` for the group that was made in that incarnation (0:
 * with the conversation itself). Throws `TypeError` when the conversation's id is not a UUID.
 */
export function groupIdOf(conversation: string, incarnation: number): Bytes {
  const id = uuidBytes(conversation);
  return incarnation === 0 ? id : concat(id, u32be(incarnation));
}

/** Whether a group with this id is one of the conversation. */
export function isGroupOf(groupId: Uint8Array, conversation: string): boolean {
  return hasGroupIdLength(groupId) &&
    equalBytes(groupId.subarray(0, firstBytes), uuidBytes(conversation));
}

/** Whether the id has one of the two lengths. */
export function hasGroupIdLength({ length }: Uint8Array): boolean {
  return length === firstBytes || length === laterBytes;
}

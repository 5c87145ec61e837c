/** What the document says of the messages of files. */
import type { MessageNote } from "./protocol_notes.ts";

/** Messages of files. */
export const fileNotes = {
  "file.limits": { text: "What this server takes of files, and how much of it is used." },
  "file.limits.ok": { text: "The limits as they are now." },
  "file.begin": {
    text:
      "Announces the upload of a file to a conversation, before any byte of it. The same request of the same account " +
      "for a file that was begun before tells how far it has got.",
    errors: [
      "no_such_conversation",
      "too_large",
      "quota_exceeded",
      "storage_full",
      "not_found",
    ],
  },
  "file.begin.ok": {
    text: "Go on at `offset`; with `complete` the server has it all and it was finished.",
  },
  "file.chunk": {
    text:
      "Bytes of an upload that this session has begun. Bytes that are there already are skipped.",
    errors: ["not_found", "wrong_offset", "too_large", "storage_full"],
  },
  "file.chunk.ok": { text: "They are taken; the upload now reaches to `offset`." },
  "file.finish": {
    text: "The upload is complete: from here on the members of the conversation may fetch it.",
    errors: ["not_found", "wrong_offset", "storage_full"],
  },
  "file.finish.ok": { text: "All of it is on disk, until everybody has it or `expiresAt`." },
  "file.get": {
    text:
      "A range of a finished file. For its uploader and the accounts that were listed in its conversation when it was " +
      "finished or are now. A file stays on its sender's own server: when that is a linked one, `server` names it, and this " +
      "server hands the request on.",
    errors: ["not_found", "no_such_server", "server_blocked", "server_away"],
  },
  "file.get.ok": { text: "Body: the range." },
  "file.done": {
    text:
      "This account has the file, or does not want it. When all have said so, it is deleted from the server. `server` as for `file.get`.",
    errors: ["not_found", "no_such_server", "server_blocked", "server_away"],
  },
  "file.done.ok": { text: "Noted." },
  "file.delete": {
    text: "Takes one's own file back, finished or not.",
    errors: ["not_found"],
  },
  "file.delete.ok": { text: "Nobody can fetch it any more." },
} as const satisfies Record<string, MessageNote>;

/** Their fields. */
export const fileFieldNotes = {
  file: "the file's id, made by the sender (UUID)",
  maxBytes: "bytes of the largest file, before encryption",
  quota: "bytes that this account may have on the server",
  used: "bytes that it has there",
  keepMs: "milliseconds until a finished file expires",
  types: "allowed extensions, without a dot; empty: all",
  size: "bytes of the whole ciphertext",
  complete: "it is finished",
  expiresAt: "when it is deleted at the latest",
  length: "at most so many bytes",
  "file.begin.ok.offset": "bytes that the server has for good",
  "file.chunk.offset": "where in the ciphertext they belong",
  "file.chunk.ok.offset": "bytes that the server has taken",
  "file.get.offset": "where the range begins",
  "file.get.ok.offset": "where the range begins",
};

/** Files: ciphertext that goes up in chunks, waits, and is fetched in ranges. */
import Type from "typebox";
import { fileLimits, frameLimits } from "../../base/limits.ts";
import { body, reply, request } from "./define.ts";
import { count, listOf, serverName, time, uuid } from "./fields.ts";

/** One piece that a frame can carry. */
const pieceLength = Type.Integer({ minimum: 1, maximum: frameLimits.bodyBytes });

/** Where the file is, when its sender is an account of a linked server: that one's name here. */
const server = Type.Optional(serverName);

/** Messages of files. Sizes and offsets are those of the ciphertext. */
export const fileMessages = {
  "file.limits": request("file.limits", {}, ["ready"]),
  "file.limits.ok": reply("file.limits", {
    /** Bytes of the largest file, before encryption. */
    maxBytes: count,
    quota: count,
    used: count,
    keepMs: count,
    types: listOf(Type.String({ maxLength: fileLimits.typeChars }), fileLimits.types),
  }),

  /** Announces an upload, or asks how far an earlier one of the same id has got. */
  "file.begin": request("file.begin", { conversation: uuid, file: uuid, size: count }, ["ready"]),
  "file.begin.ok": reply("file.begin", { offset: count, complete: Type.Boolean() }),

  /** Body: the next bytes. Several may be under way; they are taken in order. */
  "file.chunk": request("file.chunk", { file: uuid, offset: count, ...body }, ["ready"]),
  "file.chunk.ok": reply("file.chunk", { offset: count }),

  "file.finish": request("file.finish", { file: uuid }, ["ready"]),
  "file.finish.ok": reply("file.finish", { expiresAt: time }),

  "file.get": request("file.get", { file: uuid, offset: count, length: pieceLength, server }, [
    "ready",
  ]),
  /** Body: the range, shorter than asked for at the end of the file. */
  "file.get.ok": reply("file.get", { offset: count, size: count, ...body }),

  "file.done": request("file.done", { file: uuid, server }, ["ready"]),
  "file.done.ok": reply("file.done", {}),

  "file.delete": request("file.delete", { file: uuid }, ["ready"]),
  "file.delete.ok": reply("file.delete", {}),
};

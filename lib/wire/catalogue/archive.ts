/** The archive: an account's own history, sealed under its archive key, in batches. */
import Type from "typebox";
import { archiveLimits } from "../../base/limits.ts";
import { body, event, reply, request } from "./define.ts";
import { count, listOf } from "./fields.ts";

/** Of which batch there is which revision. */
const place = { position: count, revision: count };

const batches = listOf(
  Type.Object(
    { ...place, length: Type.Integer({ minimum: 1, maximum: archiveLimits.batchBytes }) },
    {
      additionalProperties: false,
    },
  ),
  archiveLimits.batchesAtOnce,
);

/** The last batch of the archive, and what the archive takes of what it may. */
const head = { ...place, bytes: count, most: count };

/** Messages of the archive. */
export const archiveMessages = {
  "archive.head": request("archive.head", {}, ["ready"]),
  "archive.head.ok": reply("archive.head", head),
  "archive.fetch": request("archive.fetch", {
    positions: listOf(Type.Integer({ minimum: 1 }), archiveLimits.batchesAtOnce),
  }, ["ready"]),
  /** Body: the batches, one after another. */
  "archive.fetch.ok": reply("archive.fetch", { batches, ...body }),
  /** Body: the batches, one after another; they are stored together or not at all. */
  "archive.append": request("archive.append", { batches, ...body }, ["ready"]),
  "archive.append.ok": reply("archive.append", head),
  archive: event("archive", place),
};

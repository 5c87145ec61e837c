/** The archive: batches in and out, as they are. */
import { archiveLimits } from "../../../lib/base/limits.ts";
import type { RequestHandlers } from "../handler_types.ts";
import { refused } from "../../requests/answer.ts";

/** Handlers of `archive.*`. */
export const archiveHandlers: RequestHandlers<"archive.head" | "archive.fetch" | "archive.append"> =
  {
    "archive.head": async (session) => {
      const found = await session.services.storage.call("archive.head", session.ready.actor);
      if (!found.ok) return found;
      const { ok: _, ...fields } = found;
      return { ok: true, fields };
    },

    "archive.fetch": async (session, { message }) => {
      const { positions } = message;
      const input = { ...session.ready.actor, positions, maxBytes: archiveLimits.batchBytes };
      const found = await session.services.storage.call("archive.read", input);
      if (!found.ok) return found;
      const batches = found.batches.map(({ position, revision, bytes }) => ({
        position,
        revision,
        length: bytes.length,
      }));
      return { ok: true, fields: { batches }, body: found.batches.map(({ bytes }) => bytes) };
    },

    "archive.append": async (session, { message, body }) => {
      let offset = 0;
      const batches = message.batches.map(({ position, revision, length }) => {
        offset += length;
        return { position, revision, bytes: body.subarray(offset - length, offset) };
      });
      if (offset !== body.length || batches.length === 0) return refused("malformed");
      const input = { ...session.ready.actor, batches };
      const done = await session.services.storage.call("archive.write", input);
      if (!done.ok) return done;
      const { ok: _, ...fields } = done;
      return { ok: true, fields };
    },
  };

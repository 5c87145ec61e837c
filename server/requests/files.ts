/** Fetching files, for those who are in their conversations. */
import type { Carriers } from "./asker.ts";

/** Carriers of `file.get` and `file.done`. */
export const fileCarriers: Carriers<"file.get" | "file.done"> = {
  "file.get": async ({ actor, storage }, { message: { file, offset, length } }) => {
    const located = await storage.call("file.locate", { ...actor, file });
    if (!located.ok) return located;
    const { size } = located;
    const read = await storage.files.read({ file, offset, length });
    if (!read.ok) return read;
    return { ok: true, fields: { offset, size }, body: [read.bytes], spent: true };
  },

  "file.done": async ({ actor, storage }, { message: { file } }) => {
    const done = await storage.call("file.done", { ...actor, file });
    return done.ok ? { ok: true, fields: {} } : done;
  },
};

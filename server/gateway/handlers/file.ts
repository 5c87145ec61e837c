/** Files: rows are asked of the database, bytes go past it. */
import { fileLimits } from "../../../lib/base/limits.ts";
import { type Answer, refused } from "../../requests/answer.ts";
import type { HandedRequest } from "../../requests/asker.ts";
import { carryOrHandOn, handOn } from "../hand_on.ts";
import type { RequestHandlers } from "../handler_types.ts";
import type { Session } from "../session.ts";

/** A file is where its sender's account is: here, or at the linked server that the request names. */
async function askWhereItIs<T extends "file.get" | "file.done">(
  session: Session,
  type: T,
  { server, ...request }: HandedRequest<T> & { readonly server: string | undefined },
): Promise<Answer<T>> {
  if (server === undefined) return await carryOrHandOn(session, type, request);
  const asking = await session.services.storage.call("file.ask", session.ready.actor);
  if (!asking.ok) return asking;
  const { certificate } = asking;
  return await handOn(session, type, { server, certificate, ...request });
}

/** Handlers of `file.*`. */
export const fileHandlers: RequestHandlers<
  | "file.limits"
  | "file.begin"
  | "file.chunk"
  | "file.finish"
  | "file.get"
  | "file.done"
  | "file.delete"
> = {
  "file.limits": async (session) => {
    const found = await session.services.storage.call("file.limits", session.ready.actor);
    if (!found.ok) return found;
    const { ok: _, ...fields } = found;
    return { ok: true, fields };
  },

  "file.begin": async (session, { message }) => {
    const { conversation, file, size } = message;
    const { storage } = session.services;
    const input = { ...session.ready.actor, conversation, file, size };
    const begun = await storage.call("file.begin", input);
    if (!begun.ok) return begun;
    if (begun.complete) return { ok: true, fields: { offset: size, complete: true } };
    const opened = await storage.files.open({ file, synced: begun.synced });
    if (!opened.ok) return opened;
    session.uploads.delete(file);
    session.uploads.set(file, size);
    if (session.uploads.size > fileLimits.begunPerAccount) {
      const [oldest] = session.uploads.keys();
      if (oldest !== undefined) session.uploads.delete(oldest);
    }
    return { ok: true, fields: { offset: opened.offset, complete: false } };
  },

  "file.chunk": async (session, { message, body }) => {
    const { file, offset } = message;
    const size = session.uploads.get(file);
    if (size === undefined) return refused("not_found");
    const { storage } = session.services;
    const written = await storage.files.write({ file, offset, size, bytes: body });
    return written.ok ? { ok: true, fields: { offset: written.offset } } : written;
  },

  "file.finish": async (session, { message }) => {
    const { file } = message;
    const { storage } = session.services;
    const size = session.uploads.get(file);
    if (size !== undefined) {
      const sealed = await storage.files.seal({ file, size });
      if (!sealed.ok) return sealed;
    }
    const input = { ...session.ready.actor, file, sealed: size !== undefined };
    const done = await storage.call("file.finish", input);
    if (!done.ok) return done;
    session.uploads.delete(file);
    return { ok: true, fields: { expiresAt: done.expiresAt } };
  },

  "file.get": (session, { message: { server, ...message }, body }) =>
    askWhereItIs(session, "file.get", { server, message, body }),

  "file.done": (session, { message: { server, ...message }, body }) =>
    askWhereItIs(session, "file.done", { server, message, body }),

  "file.delete": async (session, { message }) => {
    session.uploads.delete(message.file);
    const input = { ...session.ready.actor, file: message.file };
    const done = await session.services.storage.call("file.delete", input);
    return done.ok ? { ok: true, fields: {} } : done;
  },
};

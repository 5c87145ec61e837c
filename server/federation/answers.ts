/** Answering what linked servers ask about this server's own accounts: nothing that its own users could not see. */
import { fromBase64url, toBase64url } from "../../lib/base/bytes.ts";
import { frameLimits } from "../../lib/base/limits.ts";
import type { SigningKey } from "../../lib/crypto/sign.ts";
import { signCheckpoint } from "../../lib/directory/checkpoint.ts";
import { directoryOrigin } from "../../lib/directory/origin.ts";
import type { Storage } from "../operations/contract.ts";
import type { Answered, Question } from "./asking.ts";
import type { RequestQuestion } from "./carrying.ts";

/** A question about this server's accounts. */
export type DirectoryQuestion = Exclude<Question, RequestQuestion>;

/** Accounts of one answer, and the bytes of JSON that they may take. */
const usersAtOnce = 100;
const usersBytes = frameLimits.headerBytes / 2;

/** Answers over the storage side. */
export function answerer(
  { storage, identity, askThird }: {
    readonly storage: Storage;
    readonly identity: SigningKey;
    /** Asks a linked server, by its identity key. */
    readonly askThird: (server: string, question: DirectoryQuestion) => Promise<Answered>;
  },
): (question: DirectoryQuestion) => Promise<Answered> {
  const origin = directoryOrigin(identity.publicKey);
  const signed = (head: { readonly size: number; readonly root: string }) =>
    signCheckpoint(identity, { origin, size: head.size, root: fromBase64url(head.root) });
  return async (question) => {
    switch (question.kind) {
      case "keys": {
        const { name, account, server } = question;
        if ((name === undefined) === (account === undefined)) {
          return { ok: false, code: "malformed" };
        }
        if (server !== undefined) {
          // Whoever shares a conversation with somebody knows the id; who has which name, only that server tells.
          return account === undefined
            ? { ok: false, code: "no_such_user" }
            : await askThird(server, { kind: "keys", account });
        }
        const found = await storage.call("directory.keys", { name, account });
        if (!found.ok) return found;
        const { ok: _, entry, size, root, ...fields } = found;
        const checkpoint = signed({ size, root });
        return {
          ok: true,
          answer: { kind: "keys", ...fields, entry: toBase64url(entry), checkpoint },
        };
      }
      case "consistency": {
        const { from, to, server } = question;
        if (server !== undefined) return await askThird(server, { kind: "consistency", from, to });
        const found = await storage.call("directory.consistency", { from, to });
        return found.ok ? { ok: true, answer: { kind: "consistency", path: found.path } } : found;
      }
      case "users": {
        const { scope, after } = question;
        const input = { scope, after, limit: usersAtOnce };
        const found = await storage.call("directory.users", input);
        const users = fitting(found.users);
        const more = found.more || users.length < found.users.length;
        return { ok: true, answer: { kind: "users", users, more } };
      }
    }
  };
}

/** As many from the beginning as fit, but at least one. */
function fitting<T>(rows: readonly T[]): T[] {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += JSON.stringify(row).length) > usersBytes);
  return rows.slice(0, end < 0 ? rows.length : Math.max(1, end));
}

/** Devices: enrol, list, revoke; and the session itself. */
import { fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { type DeviceRevocation, readRevocation } from "../../../lib/crypto/certificate.ts";
import { enter } from "../enter.ts";
import type { NoticeHandlers, RequestHandlers } from "../handler_types.ts";
import { refused } from "../../requests/answer.ts";
import { ownCertificate } from "./account.ts";

/** Handlers of `device.*` and `session.close`. */
export const deviceHandlers: RequestHandlers<
  "device.enrol" | "device.list" | "device.rename" | "device.revoke" | "session.close"
> = {
  "device.enrol": async (session, { message }) => {
    const { phase, device, services } = session;
    if (phase.kind !== "enrolling") return refused("not_permitted_now");
    const { account, name, accountKey } = phase;
    const certified = ownCertificate(session, message.certificate);
    const fits = certified?.name === name && certified.accountId === account &&
      toBase64url(certified.accountKey) === accountKey;
    if (!fits) return refused("invalid_certificate");
    const { certificate, label } = message;
    return await enter(
      session,
      message,
      (arrival) =>
        services.storage.call("device.enrol", { account, device, certificate, label, arrival }),
    );
  },

  "device.list": async (session) => {
    const { devices } = await session.services.storage.call("device.list", session.ready.actor);
    return { ok: true, fields: { devices } };
  },

  "device.rename": async (session, { message }) => {
    const { device: renamed, label } = message;
    const input = { ...session.ready.actor, renamed, label };
    const done = await session.services.storage.call("device.rename", input);
    return done.ok ? { ok: true, fields: {} } : done;
  },

  "device.revoke": async (session, { message }) => {
    const { services, ready } = session;
    const revocation = tryRead(message.revocation);
    if (revocation?.accountId !== ready.actor.account) return refused("invalid_certificate");
    // Whose key the account's is, the storage side knows.
    const keys = await services.storage.call("directory.keys", {
      name: undefined,
      account: ready.actor.account,
    });
    if (!keys.ok) return keys;
    if (keys.accountKey !== toBase64url(revocation.accountKey)) {
      return refused("invalid_certificate");
    }
    const done = await services.storage.call("device.revoke", {
      ...ready.actor,
      revoked: toBase64url(revocation.deviceKey),
      revocation: message.revocation,
    });
    return done.ok ? { ok: true, fields: {} } : done;
  },

  "session.close": (session) => {
    const after = () => {
      session.leave();
      void session.connection.close();
    };
    return Promise.resolve({ ok: true, fields: {}, after });
  },
};

/** Handlers of messages without a reply. */
export const noticeHandlers: NoticeHandlers = {
  "message.ack": async (session, { message }) => {
    const { storage } = session.services;
    await storage.call("message.ack", { ...session.ready.actor, acks: message.acks });
  },

  "session.receive": async (session, { message }) => {
    const { push } = session.ready;
    const { receive } = message;
    if (!receive) push.stop();
    await session.services.storage.call("session.receive", { ...session.key, receive });
    if (receive) await push.start();
  },
};

function tryRead(text: string): DeviceRevocation | undefined {
  try {
    return readRevocation(fromBase64url(text));
  } catch (thrown) {
    const expected = thrown instanceof TypeError || thrown instanceof AppError;
    if (!expected) throw thrown;
    return undefined;
  }
}

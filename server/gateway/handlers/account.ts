/** Accounts: check, register, log in, change the password. */
import { fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { serverLimits } from "../../../lib/base/limits.ts";
import { type DeviceCertificate, readDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { isAccountName } from "../../../lib/crypto/names.ts";
import {
  serverFinishLogin,
  serverRegistrationResponse,
  serverStartLogin,
} from "../../../lib/crypto/password.ts";
import { enter } from "../enter.ts";
import type { RequestHandlers } from "../handler_types.ts";
import type { Exchange, Session } from "../session.ts";
import { refused } from "../../requests/answer.ts";

/** Handlers of `account.*` and `vault.get`. */
export const accountHandlers: RequestHandlers<
  | "account.check"
  | "account.register.start"
  | "account.register.finish"
  | "account.login.start"
  | "account.login.finish"
  | "account.login.device"
  | "account.password.start"
  | "account.password.finish"
  | "vault.get"
> = {
  "account.check": async (session, { message }) => {
    if (!isAccountName(message.name)) return refused("invalid_name");
    const { exists } = await session.services.storage.call("account.exists", {
      name: message.name,
    });
    return { ok: true, fields: { exists } };
  },

  "account.register.start": async (session, { message }) => {
    const { services, remote } = session;
    const { name, request, invite } = message;
    if (services.policy.registration === "closed") return refused("registration_closed");
    if (!isAccountName(name)) return refused("invalid_name");
    const allowed = await services.storage.call("account.registrable", {
      name,
      remote,
      invite,
    });
    if (!allowed.ok) return allowed;
    const response = await serverRegistrationResponse({
      setup: services.opaqueSetup,
      name,
      request,
    });
    return { ok: true, fields: { response } };
  },

  "account.register.finish": async (session, { message, body }) => {
    const { services, remote, device } = session;
    const { name, record, certificate, label } = message;
    if (services.policy.registration === "closed") return refused("registration_closed");
    if (!isAccountName(name)) return refused("invalid_name");
    if (body.length > serverLimits.vaultBytes) return refused("too_large");
    const certified = ownCertificate(session, certificate);
    if (certified?.name !== name) return refused("invalid_certificate");
    const entered = await enter(
      session,
      message,
      (arrival) =>
        services.storage.call("account.register", {
          name,
          remote,
          account: certified.accountId,
          accountKey: toBase64url(certified.accountKey),
          record,
          vault: body,
          device,
          certificate,
          label,
          invite: message.invite,
          arrival,
        }),
    );
    if (entered.ok) {
      const fields = { connection: session.connection.id, name, remote };
      services.logger.log("info", "account_registered", fields);
    }
    return entered;
  },

  "account.login.start": async (session, { message }) => {
    const { name, request } = message;
    if (!isAccountName(name)) return refused("invalid_name");
    const known = await session.services.storage.call("login.start", {
      name,
      remote: session.remote,
    });
    if (!known.ok) return known;
    const { state, response } = await startLogin(session, { name, record: known.record, request });
    setExchange(session, { kind: "password", name, state });
    return { ok: true, fields: { response } };
  },

  "account.login.finish": async (session, { message }) => {
    const { services, remote, connection } = session;
    const exchange = takeExchange(session);
    if (exchange.kind !== "password") return refused("not_permitted_now");
    const { name } = exchange;
    if (!await provesPassword(session, { exchange, finish: message.finish })) {
      return await wrongPassword(session, name);
    }
    const found = await services.storage.call("login.succeeded", { name, remote });
    if (!found.ok) return found;
    const { account, accountKey, vault } = found;
    session.phase = { kind: "enrolling", account, name: found.name, accountKey };
    services.logger.log("info", "login", { connection: connection.id, name: found.name, remote });
    return { ok: true, fields: { account, name: found.name, accountKey }, body: [vault] };
  },

  "account.login.device": async (session, { message }) => {
    const { services, device } = session;
    return await enter(
      session,
      message,
      (arrival) => services.storage.call("login.device", { device, arrival }),
    );
  },

  "account.password.start": async (session, { message }) => {
    const { services, ready, remote } = session;
    const known = await services.storage.call("password.record", ready.actor);
    if (!known.ok) return known;
    const { name, record } = known;
    // Whoever found a session open may guess the password no more often than anybody else.
    const allowed = await services.storage.call("login.start", { name, remote });
    if (!allowed.ok) return allowed;
    const { state, response } = await startLogin(session, {
      name,
      record,
      request: message.request,
    });
    const registration = await serverRegistrationResponse({
      setup: services.opaqueSetup,
      name,
      request: message.registration,
    });
    setExchange(session, { kind: "password", name, state });
    return { ok: true, fields: { response, registration } };
  },

  "account.password.finish": async (session, { message, body }) => {
    const { services, ready, remote } = session;
    const exchange = takeExchange(session);
    if (exchange.kind !== "password") return refused("not_permitted_now");
    if (body.length > serverLimits.vaultBytes) return refused("too_large");
    const { name } = exchange;
    if (!await provesPassword(session, { exchange, finish: message.finish })) {
      return await wrongPassword(session, name);
    }
    const proven = await services.storage.call("login.succeeded", { name, remote });
    if (!proven.ok) return proven;
    const changed = await services.storage.call("password.change", {
      ...ready.actor,
      record: message.record,
      vault: body,
    });
    return changed.ok ? { ok: true, fields: {} } : changed;
  },

  "vault.get": async (session) => {
    const found = await session.services.storage.call("vault.get", session.ready.actor);
    return found.ok ? { ok: true, fields: {}, body: [found.vault] } : found;
  },
};

/**
 * The certificate, when it holds and is for this very session: its device key signs the session's frames, and its
 * server is this one.
 */
export function ownCertificate(session: Session, text: string): DeviceCertificate | undefined {
  const certificate = tryRead(text);
  const fits = certificate !== undefined &&
    toBase64url(certificate.deviceKey) === session.device &&
    toBase64url(certificate.serverKey) === session.services.identityText;
  return fits ? certificate : undefined;
}

function tryRead(text: string): DeviceCertificate | undefined {
  try {
    return readDeviceCertificate(fromBase64url(text));
  } catch (thrown) {
    const expected = thrown instanceof TypeError || thrown instanceof AppError;
    if (!expected) throw thrown;
    return undefined;
  }
}

function startLogin(
  session: Session,
  input: { readonly name: string; readonly record: string | undefined; readonly request: string },
) {
  const { opaqueSetup, identity } = session.services;
  return serverStartLogin({ ...input, setup: opaqueSetup, serverKey: identity.publicKey });
}

async function provesPassword(
  session: Session,
  { exchange, finish }: {
    readonly exchange: Exchange & { readonly kind: "password" };
    readonly finish: string;
  },
): Promise<boolean> {
  const serverKey = session.services.identity.publicKey;
  const { name, state } = exchange;
  return await serverFinishLogin({ name, serverKey, state, finish }) !== undefined;
}

async function wrongPassword(session: Session, name: string) {
  const { services, remote, connection } = session;
  await services.storage.call("login.failed", { name, remote });
  services.logger.log("warning", "login_refused", { connection: connection.id, name, remote });
  return refused("invalid_credentials");
}

function setExchange(session: Session, exchange: Exchange): void {
  const { phase } = session;
  if (phase.kind === "open" || phase.kind === "ready") session.phase = { ...phase, exchange };
}

/** The exchange under way, which can be finished once. */
function takeExchange(session: Session): Exchange {
  const { phase } = session;
  if (phase.kind !== "open" && phase.kind !== "ready") return { kind: "none" };
  session.phase = { ...phase, exchange: { kind: "none" } };
  return phase.exchange;
}

/** Changing the password: at the server, in the vault, and in the profile, in an order that a crash cannot harm. */
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import {
  clientFinishLogin,
  clientFinishRegistration,
  clientStartLogin,
  clientStartRegistration,
} from "../../lib/crypto/password.ts";
import { judgePassword } from "../../lib/crypto/password_strength.ts";
import { type Profile, whichPassword } from "../store/profile.ts";
import type { Requester } from "./connection.ts";
import { vaultOf } from "./joining.ts";

/** Both passwords. */
export interface PasswordChange {
  readonly current: string;
  readonly next: string;
}

/** What a change of password works on. */
export interface PasswordPlace {
  readonly profile: Profile;
  readonly server: Pick<Requester, "request">;
}

/**
 * Whether this is the account's password: it opens the profile here, or else the server knows it (it may have been
 * changed on another device). Only a guess that opens nothing here counts as an attempt at the server.
 */
export async function isPassword(place: PasswordPlace, password: string): Promise<boolean> {
  if (await whichPassword(place.profile.folder, password) !== undefined) return true;
  return (await start(place, { current: password, next: password })).proved !== undefined;
}

/**
 * Changes the password. From just before the server is told until its answer is here the profile opens with either, so
 * that an answer that got lost locks nobody out; the next login finds out which one counts. Rejects with
 * `invalid_credentials`, and with `ExitError` (notAllowed) for a weak one.
 */
export async function changePassword(place: PasswordPlace, change: PasswordChange): Promise<void> {
  const { profile, server } = place;
  const { next } = change;
  const { name, serverKey } = profile.identity.certificate;
  const verdict = judgePassword(next, { name });
  if (verdict.kind === "weak") {
    throw new ExitError("notAllowed", `The password was refused: ${verdict.reason}`);
  }
  const { proved, registration, response } = await start(place, change);
  if (proved === undefined) throw new AppError("invalid_credentials");
  const registered = await clientFinishRegistration({
    name,
    serverKey,
    password: next,
    state: registration.state,
    response,
  });
  const vault = vaultOf(profile.identity, registered.exportKey);
  await profile.addPassword(next);
  await settle(profile, () =>
    server.request({
      type: "account.password.finish",
      finish: proved.finish,
      record: registered.record,
      body: vault.length,
    }, vault));
}

/** Begins at the server; `proved` is undefined when `current` is not the password. */
async function start({ profile, server }: PasswordPlace, { current, next }: PasswordChange) {
  const { name, serverKey } = profile.identity.certificate;
  const login = await clientStartLogin(current);
  const registration = await clientStartRegistration(next);
  const { message } = await server.request({
    type: "account.password.start",
    request: login.request,
    registration: registration.request,
  });
  const { response } = message;
  const { state } = login;
  const parties = { name, serverKey };
  const proved = await clientFinishLogin({ ...parties, password: current, state, response });
  return { proved, registration, response: message.registration };
}

async function settle(profile: Profile, step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (thrown) {
    const refused = thrown instanceof AppError && thrown.fault === "peer" &&
      thrown.retry === "never";
    if (refused) profile.settleOldPassword();
    throw thrown;
  }
  profile.settleNewPassword();
}

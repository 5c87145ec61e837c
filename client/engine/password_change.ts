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
import type { Profile } from "../store/profile.ts";
import type { Requester } from "./connection.ts";
import { vaultOf } from "./joining.ts";

/** Both passwords. */
export interface PasswordChange {
  readonly current: string;
  readonly next: string;
}

/**
 * Changes the password. From just before the server is told until its answer is here the profile opens with either, so
 * that an answer that got lost locks nobody out; the next login finds out which one counts. Rejects with
 * `invalid_credentials`, and with `ExitError` (notAllowed) for a weak one.
 */
export async function changePassword(
  { profile, server }: { readonly profile: Profile; readonly server: Pick<Requester, "request"> },
  { current, next }: PasswordChange,
): Promise<void> {
  const { name, serverKey } = profile.identity.certificate;
  const verdict = judgePassword(next, { name });
  if (verdict.kind === "weak") {
    throw new ExitError("notAllowed", `The password was refused: ${verdict.reason}`);
  }
  const login = await clientStartLogin(current);
  const registration = await clientStartRegistration(next);
  const { message } = await server.request({
    type: "account.password.start",
    request: login.request,
    registration: registration.request,
  });
  const parties = { name, serverKey };
  const { response } = message;
  const { state } = login;
  const proved = await clientFinishLogin({ ...parties, password: current, state, response });
  if (proved === undefined) throw new AppError("invalid_credentials");
  const registered = await clientFinishRegistration({
    ...parties,
    password: next,
    state: registration.state,
    response: message.registration,
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

/**
 * OPAQUE for tests and load generators, with a stretching that costs nothing: the server cannot tell, and tests do not
 * wait. Never for real passwords.
 */
import * as opaque from "@serenity-kit/opaque";
import { toBase64url } from "../../lib/base/bytes.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import { passwordStretching as keyStretching } from "./cheap_cost.ts";

/** Who the exchange is between. */
export interface Parties {
  readonly name: string;
  /** 32 bytes. */
  readonly serverKey: Uint8Array;
}

function identifiers({ name, serverKey }: Parties) {
  return { client: canonicalName(name), server: toBase64url(serverKey) };
}

/** Registration, first message. */
export async function startRegistration(password: string) {
  await opaque.ready;
  const started = opaque.client.startRegistration({ password });
  return { state: started.clientRegistrationState, request: started.registrationRequest };
}

/** Registration, second message: the record for the server. */
export function finishRegistration(
  input: Parties & { password: string; state: string; response: string },
): string {
  return opaque.client.finishRegistration({
    password: input.password,
    registrationResponse: input.response,
    clientRegistrationState: input.state,
    identifiers: identifiers(input),
    keyStretching,
  }).registrationRecord;
}

/** Login, first message. */
export async function startLogin(password: string) {
  await opaque.ready;
  const started = opaque.client.startLogin({ password });
  return { state: started.clientLoginState, request: started.startLoginRequest };
}

/** Login, second message: the proof; undefined when the password does not fit. */
export function finishLogin(
  input: Parties & { password: string; state: string; response: string },
): string | undefined {
  return opaque.client.finishLogin({
    password: input.password,
    loginResponse: input.response,
    clientLoginState: input.state,
    identifiers: identifiers(input),
    keyStretching,
  })?.finishLoginRequest;
}

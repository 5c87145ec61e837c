/**
 * Passwords by OPAQUE (RFC 9807): the server never sees one, in any form, and what it stores cannot be tested against
 * guesses without its own secret. This is the only file that knows the package; it loads it at first use, so that
 * commands without a password start without its WebAssembly. Messages are base64url texts as the package makes them.
 *
 * Both sides bind the account's canonical name and the server's identity key into the exchange: a record moved to
 * another name or another server opens nothing.
 */
import { toBase64url } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { canonicalName } from "./names.ts";
import { passwordStretching } from "./password_cost.ts";
import { passwordText } from "./password_text.ts";

/** Who the exchange is between; must be the same at registration and at every login. */
export interface PasswordParties {
  /** The account's name in any case; its canonical form is bound. */
  readonly name: string;
  /** The server's identity key, 32 bytes. */
  readonly serverKey: Uint8Array;
}

type Opaque = typeof import("@serenity-kit/opaque");

let loading: Promise<Opaque> | undefined;

/** The package, loaded and ready. Call it early where the first login should not pay for loading (about 20 ms). */
export function loadPasswordSupport(): Promise<Opaque> {
  loading ??= import("@serenity-kit/opaque").then(async (opaque) => {
    await opaque.ready;
    return opaque;
  });
  return loading;
}

/** Runs a step over the peer's message; what the package cannot read is `AppError("malformed")`. */
async function step<T>(run: (opaque: Opaque) => T): Promise<T> {
  const opaque = await loadPasswordSupport();
  try {
    return run(opaque);
  } catch (cause) {
    throw new AppError("malformed", { text: "that password exchange could not be read", cause });
  }
}

function identifiers(parties: PasswordParties): { client: string; server: string } {
  return { client: canonicalName(parties.name), server: toBase64url(parties.serverKey) };
}

/**
 * The server's own long-term secret: made once, kept beside its identity, never changed (it is part of every record).
 * A text of 171 characters.
 */
export function createServerSetup(): Promise<string> {
  return step((opaque) => opaque.server.createSetup());
}

/** Server, registration: answers the client's request. Throws `AppError("malformed")`. */
export function serverRegistrationResponse(
  input: { readonly setup: string; readonly name: string; readonly request: string },
): Promise<string> {
  return step((opaque) =>
    opaque.server.createRegistrationResponse({
      serverSetup: input.setup,
      userIdentifier: canonicalName(input.name),
      registrationRequest: input.request,
    }).registrationResponse
  );
}

/** What the server keeps between the two messages of a login, and what it answers. */
export interface ServerLoginStarted {
  /** Secret; for `serverFinishLogin` of the same session only. */
  readonly state: string;
  readonly response: string;
}

/**
 * Server, login, first message. `record` is what registration stored; undefined for a name that does not exist, in
 * which case the answer cannot be told from a real one and takes as long. Throws `AppError("malformed")`.
 */
export function serverStartLogin(
  input: PasswordParties & {
    readonly setup: string;
    readonly record: string | undefined;
    readonly request: string;
  },
): Promise<ServerLoginStarted> {
  return step((opaque) => {
    const started = opaque.server.startLogin({
      serverSetup: input.setup,
      userIdentifier: canonicalName(input.name),
      registrationRecord: input.record,
      startLoginRequest: input.request,
      identifiers: identifiers(input),
    });
    return { state: started.serverLoginState, response: started.loginResponse };
  });
}

/**
 * Server, login, second message: the session key when the client has proved that it knows the password, undefined when
 * it has not (a wrong password, an unknown name, or a message that is no proof at all).
 */
export async function serverFinishLogin(
  input: PasswordParties & { readonly state: string; readonly finish: string },
): Promise<{ readonly sessionKey: string } | undefined> {
  const opaque = await loadPasswordSupport();
  try {
    return opaque.server.finishLogin({
      serverLoginState: input.state,
      finishLoginRequest: input.finish,
      identifiers: identifiers(input),
    });
  } catch {
    // The package throws for every proof that does not hold; to the caller they are all the same refusal.
    return undefined;
  }
}

/** What the client keeps between the two messages of an exchange, and what it sends. */
export interface ClientStarted {
  /** Secret; for the finishing step of the same exchange only. */
  readonly state: string;
  readonly request: string;
}

/** Client, registration, first message. */
export function clientStartRegistration(password: string): Promise<ClientStarted> {
  return step((opaque) => {
    const started = opaque.client.startRegistration({ password: passwordText(password) });
    return { state: started.clientRegistrationState, request: started.registrationRequest };
  });
}

/** What the client needs to finish an exchange. */
export interface ClientFinishInput extends PasswordParties {
  readonly password: string;
  readonly state: string;
  readonly response: string;
}

/** What registration gives the client. */
export interface ClientRegistered {
  /** Goes to the server, which stores it for the account. */
  readonly record: string;
  /** Secret that only the password brings back: the vault's key comes from it. Base64url, 64 bytes. */
  readonly exportKey: string;
}

/** Client, registration, second message. Blocks its thread for about 0.3 s. Throws `AppError("malformed")`. */
export function clientFinishRegistration(input: ClientFinishInput): Promise<ClientRegistered> {
  return step((opaque) => {
    const finished = opaque.client.finishRegistration({
      password: passwordText(input.password),
      registrationResponse: input.response,
      clientRegistrationState: input.state,
      identifiers: identifiers(input),
      keyStretching: passwordStretching,
    });
    return { record: finished.registrationRecord, exportKey: finished.exportKey };
  });
}

/** Client, login, first message. */
export function clientStartLogin(password: string): Promise<ClientStarted> {
  return step((opaque) => {
    const started = opaque.client.startLogin({ password: passwordText(password) });
    return { state: started.clientLoginState, request: started.startLoginRequest };
  });
}

/** What a login gives the client. */
export interface ClientLoggedIn {
  /** Goes to the server: the proof. */
  readonly finish: string;
  /** The same on both sides. Base64url, 64 bytes. */
  readonly sessionKey: string;
  /** As at registration. */
  readonly exportKey: string;
}

/**
 * Client, login, second message; undefined for a wrong password (or a server that does not hold this account, which
 * looks the same). Blocks its thread for about 0.3 s. Throws `AppError("malformed")`.
 */
export function clientFinishLogin(input: ClientFinishInput): Promise<ClientLoggedIn | undefined> {
  return step((opaque) => {
    const finished = opaque.client.finishLogin({
      password: passwordText(input.password),
      loginResponse: input.response,
      clientLoginState: input.state,
      identifiers: identifiers(input),
      keyStretching: passwordStretching,
    });
    if (finished === undefined) return undefined;
    return {
      finish: finished.finishLoginRequest,
      sessionKey: finished.sessionKey,
      exportKey: finished.exportKey,
    };
  });
}

/** Claiming key packages of an account of a linked server. */
import type { Message } from "../../lib/wire/messages.ts";
import { type Answer, refused } from "../requests/answer.ts";
import { packageCertificate } from "../requests/clear_header.ts";
import { handOn } from "./hand_on.ts";
import type { Session } from "./session.ts";

type Claim = Message<"keypackages.claim">;

/**
 * Asks that server, and remembers here whose packages these are, so that a request which follows may take their devices in.
 * What does not fit is nothing that a client could use.
 */
export async function claimRemotely(
  session: Session,
  { server, ...message }: Claim & { readonly server: string },
): Promise<Answer<"keypackages.claim">> {
  const { ready: { actor }, services: { storage } } = session;
  const allowed = await storage.call("claim.ask", actor);
  if (!allowed.ok) return allowed;
  const { certificate } = allowed;
  const handing = { server, certificate, message, body: new Uint8Array(0) };
  const answer = await handOn(session, "keypackages.claim", handing);
  if (!answer.ok) return answer;
  const { said, ...answered } = answer;
  const asked = said.answer.kind === "request" && said.answer.asked === true;
  const { identity, body } = said;
  const certificates = certificatesOf(answered.fields.packages, body, {
    account: message.account,
    server: identity,
  });
  if (certificates === undefined) return refused("server_away");
  const target = message.account;
  const learned = await storage.call("claim.learn", {
    ...actor,
    target,
    identity,
    asked,
    certificates,
  });
  return learned.ok ? answered : learned;
}

interface DeclaredPackage {
  readonly device: string;
  readonly ref: string;
  readonly lastResort: boolean;
  readonly length: number;
}

/** The certificates in the packages; undefined when one of them is not what it is declared to be. */
function certificatesOf(
  packages: readonly DeclaredPackage[],
  body: Uint8Array,
  owner: { readonly account: string; readonly server: string },
): string[] | undefined {
  const certificates: string[] = [];
  let offset = 0;
  for (const { length, ...declared } of packages) {
    const bytes = body.subarray(offset, offset + length);
    offset += length;
    const certificate = packageCertificate(owner, { ...declared, bytes });
    if (certificate === undefined) return undefined;
    certificates.push(certificate);
  }
  return offset === body.length ? certificates : undefined;
}

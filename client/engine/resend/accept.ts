/** Taking in a message that was said again: as if it had come the first time, by the author whom the server's row named. */
import { concat, equalBytes, fromBase64url, toBase64url } from "../../../lib/base/bytes.ts";
import { AppError } from "../../../lib/base/errors.ts";
import { type DeviceCertificate, readDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import type { AnsweredMessage } from "../../store/lost.ts";
import { follow } from "../content/facts.ts";
import { openSealedContent } from "../content/sealed.ts";
import { takeContent } from "../content/take.ts";
import { certifies } from "../certified.ts";
import type { Core } from "../core.ts";
import { originalTime } from "../repair/original_time.ts";

/** Shows it in place of the line that said that it could not be read; what does not hold is forgotten. */
export async function accept(core: Core, answered: AnsweredMessage): Promise<void> {
  const { lost, sealed, clock, logger } = core;
  const { thread, id, seq } = answered;
  const opened = await open(core, answered);
  if (typeof opened === "string") {
    logger.log("warning", "resent_refused", { id, cause: opened });
    sealed.database.transaction(() => lost.dropAnswer(thread, id));
    return;
  }
  const { certificate, ...content } = opened;
  const said = { ts: answered.ts, sentAt: content.content.sentAt };
  const ts = originalTime(said, core.threads.get(thread)?.setBackAt ?? 0);
  const own = certificate.accountId === core.own.account;
  const device = toBase64url(certificate.deviceKey);
  const from = { account: certificate.accountId, name: core.people.nameOf(certificate), device };
  const taken = takeContent(content, { thread, id, seq, ts, own, from }, clock.now());
  const silent = taken.kind === "stored" && taken.silent;
  const effects = sealed.database.transaction(() => {
    // Another process may have been quicker.
    if (lost.get(thread, id) === undefined) return [];
    lost.found(thread, id);
    // What makes no line leaves none in the place of the one that said that it could not be read.
    if (silent) core.messages.forgetUnreadable(thread, id);
    return taken.kind === "stored" ? taken.store(core) : [];
  });
  follow(core, effects);
  core.changed();
}

async function open(core: Core, answered: AnsweredMessage) {
  const { thread, id, author, ts, answer } = answered;
  const conversation = core.threads.get(thread)?.conversation;
  const certificate = tryRead(answer.certificate ?? "");
  if (conversation === undefined || certificate === undefined) return "its certificate is none";
  const wrong = await misfit(core, { certificate, author, ts });
  if (wrong !== undefined) return wrong;
  const plaintext = concat(fromBase64url(answer.content), fromBase64url(answer.signature));
  const opened = openSealedContent(plaintext, { conversation, message: id, certificate });
  if (typeof opened === "string") return opened;
  const { kind } = opened.content;
  if (kind === "resend" || kind === "resent") return "it says nothing itself";
  return { ...opened, certificate };
}

/** Why the device did not speak for the author when the server took the message. */
async function misfit(
  core: Core,
  { certificate, author, ts }: {
    readonly certificate: DeviceCertificate;
    readonly author: string;
    readonly ts: number;
  },
): Promise<string | undefined> {
  const keys = await core.people.keysOf({ account: author });
  if (!certifies(keys, certificate)) return "it is not by the account that the server named";
  const revocation = keys.revocations.find(({ deviceKey }) =>
    equalBytes(deviceKey, certificate.deviceKey)
  );
  return revocation !== undefined && revocation.revokedAt < ts
    ? "it comes from a device that was removed before"
    : undefined;
}

function tryRead(certificate: string): DeviceCertificate | undefined {
  try {
    return readDeviceCertificate(fromBase64url(certificate));
  } catch (thrown) {
    if (thrown instanceof AppError || thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

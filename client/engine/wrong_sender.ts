/** Whether a message comes from whom it should. */
import { equalBytes, toBase64url } from "../../lib/base/bytes.ts";
import type { DeviceCertificate } from "../../lib/crypto/certificate.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { Thread } from "../store/threads.ts";
import type { Groups } from "./groups.ts";

/** Why the message is not what the server says of it, or not by a device that still speaks for its account. */
export async function wrongSender(
  groups: Pick<Groups, "known">,
  from: {
    readonly thread: Thread;
    readonly message: Message<"message">;
    /** Of the device that the encryption shows. */
    readonly certificate: DeviceCertificate;
  },
): Promise<string | undefined> {
  const { thread, message, certificate } = from;
  const device = toBase64url(certificate.deviceKey);
  if (certificate.accountId !== message.account || device !== message.device) {
    return "the server says that somebody else wrote it";
  }
  const keys = (await groups.known(thread)).get(certificate.accountId);
  const revocation = keys?.revocations.find(({ deviceKey }) =>
    equalBytes(deviceKey, certificate.deviceKey)
  );
  return revocation !== undefined && revocation.revokedAt < message.ts
    ? "it comes from a device that was removed before"
    : undefined;
}

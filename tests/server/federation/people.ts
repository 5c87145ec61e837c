/** People of linked servers at the level of the wire. */
import { randomId } from "../../../lib/base/ids.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import { offerKeyPackage, type Party, type Speaker } from "../../kit/conversation.ts";
import { newAccount, WireClient } from "../../kit/wire_client.ts";
import type { House } from "./kit.ts";

/** Registers somebody. */
export async function settle(house: House, name: string): Promise<Party> {
  const client = await WireClient.connect(await house.server.pinned());
  const account = newAccount(name);
  await client.register(account);
  return { client, account };
}

/** The code as it was sent, and the epoch, of a refusal; throws when there is none. */
export async function refusal(work: Promise<unknown>): Promise<[string, number | undefined]> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  if (!(thrown instanceof RefusedError)) throw thrown ?? new Error("it was not refused");
  return [thrown.sentCode, thrown.epoch];
}

/** Somebody's server learns who somebody of another one is, as before every creation: by claiming their keys. */
export async function claim(by: Party, of: Speaker, server: string): Promise<void> {
  const conversation = randomId();
  const account = of.account.id;
  await by.client.request({ type: "keypackages.claim", account, conversation, server });
}

/** The same for somebody who has none on offer yet. */
export async function meet(by: Party, of: Party, server: string): Promise<void> {
  await offerKeyPackage(of);
  await claim(by, of, server);
}

/** What an engine is made of before anything runs. */
import type { MlsIdentity } from "../../lib/mls/mod.ts";
import { Blocked } from "../store/blocked.ts";
import type { Identity } from "../store/identity.ts";
import { LostMessages } from "../store/lost.ts";
import { Messages } from "../store/messages.ts";
import { Outbox } from "../store/outbox.ts";
import { Repairs } from "../store/repairs.ts";
import type { SealedDatabase } from "../store/sealed.ts";
import { Threads } from "../store/threads.ts";
import type { Core } from "./core.ts";
import type { UnlockedAccount } from "./unlocked.ts";

/** What an engine takes of an unlocked account. */
export type EngineParts = Omit<UnlockedAccount, "profile"> & {
  readonly profile:
    & SealedDatabase
    & Pick<UnlockedAccount["profile"], "instance" | "close">
    & { readonly identity: MlsIdentity & Pick<Identity, "archiveKey"> };
  /** From 0 to 1, for delays; `Math.random` when absent. */
  readonly random?: () => number;
};

/** The parts of the profile's database. */
export function storesOf(
  profile: SealedDatabase,
): Pick<Core, "sealed" | "threads" | "messages" | "outbox" | "repairs" | "lost" | "blocked"> {
  return {
    sealed: profile,
    threads: new Threads(profile),
    messages: new Messages(profile),
    outbox: new Outbox(profile),
    repairs: new Repairs(profile),
    lost: new LostMessages(profile),
    blocked: new Blocked(profile),
  };
}

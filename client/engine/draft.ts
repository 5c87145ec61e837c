/** What a batch of rows comes to, before it is stored. */
import type { MlsGroup } from "../../lib/mls/mod.ts";
import type { GroupFacts } from "../store/group_facts.ts";
import type { Thread } from "../store/threads.ts";
import type { Effect } from "./content/facts.ts";
import type { Core } from "./core.ts";
import { newRepairDraft, type RepairDraft } from "./repair/draft.ts";

/** The batch so far. */
export interface Draft {
  thread: Thread;
  group: MlsGroup | undefined;
  cursor: number;
  changed: boolean;
  /** What its messages do to the store, in order, inside the transaction. */
  readonly entries: ((core: Core) => readonly Effect[])[];
  /** Ids of messages in the batch. */
  readonly ids: Set<string>;
  /** Whether a message of this account's other devices is among them. */
  fromOwn: boolean;
  /** Whether something that makes no line is among them. */
  silent: boolean;
  readonly own: { readonly id: string; readonly seq: number; readonly ts: number }[];
  readonly usedPackages: string[];
  readonly warnings: string[];
  /** Of a group: its members and standing by now, when they have changed. */
  facts: GroupFacts | undefined;
  rejoin: boolean;
  renew: boolean;
  /** It was joined by a welcome, with people of other servers in it. */
  foreign: boolean;
  /** A message could not be read that is to be asked for. */
  lost: boolean;
  readonly repair: RepairDraft;
}

/** Nothing of the batch is looked at yet. */
export function newDraft(thread: Thread, group: MlsGroup | undefined): Draft {
  return {
    thread,
    group,
    cursor: thread.cursor,
    changed: false,
    entries: [],
    ids: new Set(),
    fromOwn: false,
    silent: false,
    own: [],
    usedPackages: [],
    warnings: [],
    facts: undefined,
    rejoin: false,
    renew: false,
    foreign: false,
    lost: false,
    repair: newRepairDraft(),
  };
}

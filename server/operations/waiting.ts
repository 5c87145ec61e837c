/** Keeping count of the bytes that wait for an account. */
import { type Conversation, lastFor, memberOf, waitsHere } from "../domain/conversation.ts";
import { slowestOf } from "../domain/progress.ts";
import type { Tables } from "../tables/tables.ts";

/** The one device of an account that takes part, whose own rows never wait; 0 when there are several or none. */
function onlyDevice(conversation: Conversation, account: number): number {
  const seats = [...conversation.seats.values()]
    .filter((seat) => seat.account === account && waitsHere(seat));
  return seats.length === 1 ? seats[0]?.device ?? 0 : 0;
}

/**
 * Lowers what waits for the account after its slowest device has moved on from `before`. Each row is counted once on its
 * way in and once on its way out; when the account has everything the sum starts anew from nothing.
 */
export function settleWaiting(
  tables: Tables,
  conversation: Conversation,
  options: { readonly account: number; readonly before: number },
): void {
  lowerWaiting(tables, conversation, options);
  forgetOut(tables, conversation, options.account);
}

function lowerWaiting(
  tables: Tables,
  conversation: Conversation,
  options: { readonly account: number; readonly before: number },
): void {
  const { account, before } = options;
  const member = memberOf(conversation, account);
  if (member === undefined || member.waiting === 0) return;
  const through = slowestOf(conversation, account);
  if (through <= before && through < conversation.head) return;
  const gone = through >= conversation.head ? member.waiting : tables.log.bytesBetween(
    conversation,
    { after: before, through, except: onlyDevice(conversation, account) },
  );
  const waiting = Math.max(0, member.waiting - gone);
  tables.accounts.addQueued(account, waiting - member.waiting);
  member.waiting = waiting;
  member.changed = true;
}

/** Counts anew what waits for the account, after its devices' positions were changed otherwise than by going on. */
export function recountWaiting(
  tables: Tables,
  conversation: Conversation,
  account: number,
): void {
  const member = memberOf(conversation, account);
  if (member === undefined) return;
  const rows = [...conversation.seats.values()].filter((seat) =>
    seat.account === account && waitsHere(seat)
  )
    .map((seat) => lastFor(conversation, seat));
  const waiting = tables.log.bytesBetween(conversation, {
    after: slowestOf(conversation, account),
    through: Math.max(0, ...rows),
    except: onlyDevice(conversation, account),
  });
  tables.accounts.addQueued(account, waiting - member.waiting);
  member.waiting = waiting;
  member.changed = true;
}

/** Forgets an account that is out once none of its devices has anything to get here. */
export function forgetOut(tables: Tables, conversation: Conversation, account: number): void {
  const at = conversation.members.findIndex((member) => member.account === account);
  const member = conversation.members[at];
  if (member?.state !== "out") return;
  if ([...conversation.seats.values()].some((seat) => seat.account === account)) return;
  tables.accounts.addQueued(account, -member.waiting);
  conversation.members.splice(at, 1);
  conversation.forgotten.add(account);
}
